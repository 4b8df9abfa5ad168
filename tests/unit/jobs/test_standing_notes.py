"""What a worker says of a standing command."""

from pfs_provider.jobs.keys import JobRef
from pfs_provider.jobs.standing_notes import StandingNote, clear_notes, find_note, put_note
from pfs_provider.refs.ids import CommitId
from pfs_provider.refs.names import PipelineKey
from tests.pfs_world import PfsWorld

REF = JobRef(PipelineKey("default", "web"), CommitId("a" * 32))


def test_the_last_word_counts_until_all_is_forgotten(world: PfsWorld) -> None:
    objects = world.jobs.objects
    assert find_note(objects, REF) is None

    put_note(objects, REF, StandingNote(state="staged"))
    put_note(objects, REF, StandingNote(state="down", reason="it fell", n_starts=2))
    objects.replace(REF.go, b"go")

    assert find_note(objects, REF) == StandingNote(state="down", reason="it fell", n_starts=2)
    clear_notes(objects, REF)
    assert find_note(objects, REF) is None
    assert objects.find(REF.go) is None
