# Picks what builds the wheel out of a lock: each pin with the hashes that follow it.
/^[a-z]/ { wanted = $0 ~ /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ }
wanted { print }
