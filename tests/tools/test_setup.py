from pathlib import Path

from tools.setup import translate


def test_what_pip_is_told_uv_is_told(tmp_path: Path) -> None:
    settings = {
        "index-url": "https://index.example/a",
        "extra-index-url": "https://b.example\nhttps://c.example",
        "find-links": f"{tmp_path} https://d.example",
        "cert": "/certs.pem",
        "timeout": "7",
    }

    environment = translate(settings, {"UV_CACHE_DIR": str(tmp_path), "PATH": "/bin"})

    assert environment == {
        "PATH": "/bin",
        "UV_CACHE_DIR": str(tmp_path),
        "UV_DEFAULT_INDEX": "https://index.example/a",
        "UV_INDEX": "https://b.example https://c.example",
        "UV_FIND_LINKS": f"{tmp_path},https://d.example",
        "SSL_CERT_FILE": "/certs.pem",
        "UV_HTTP_TIMEOUT": "7",
    }


def test_what_uv_is_told_already_stays(tmp_path: Path) -> None:
    told = {"UV_DEFAULT_INDEX": "https://mine.example", "UV_CACHE_DIR": str(tmp_path)}

    assert translate({"index-url": "https://index.example"}, told) == told


def test_a_folder_of_wheels_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    told = {"UV_CACHE_DIR": str(tmp_path)}

    assert translate({"find-links": str(tmp_path / "gone")}, told) == told


def test_without_a_place_to_write_to_the_cache_is_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    environment = translate({}, {"UV_CACHE_DIR": str(tmp_path / "file" / "cache")})

    assert environment["UV_CACHE_DIR"].endswith("/.venv/cache")
