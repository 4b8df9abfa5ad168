#!/pfs-shim/busybox sh
# The first process of a user container: runs the tasks that the worker, in the container beside
# it, gives it, one at a time, and ends whatever they leave.
#
# Needs nothing of the image: this file, the static busybox beside it, and /proc. The folder may be
# mounted read-only; FIFOs can be written all the same. Messages and files, byte by byte:
# docs/internals/shim.md; why so: docs/design/0010-user-code-in-pods.md.
#
# Invariants: one task at a time; a task's end is told when none of its processes is left; a message
# that names another shim or task than the present ones does nothing. Must not know: datums, stores.

set -f
here=${0%/*}
bb=$here/busybox

if [ $$ != 1 ]; then
  echo "pfs shim: it is process $$ and has to be process 1 of a container, because it ends every other process after each task; do not share process namespaces in the pod" >&2
  exit 1
fi

umask 0002 # the worker, another user of the same group, collects and clears what tasks leave
# Process 1 has no default handlers. Being asked to end is how every good pod ends: no failure.
trap 'exit 0' TERM INT
exec 3<>"$here/io/control" 4<>"$here/io/reply" 5<>"$here/io/alive" || exit 1
read -r me </proc/sys/kernel/random/uuid || me=$("$bb" date +%s) # not every sandbox has that file
group=$("$bb" stat -c %g /pfs)
elf=$(printf '\177ELF')
newline='
'
task= # the task that runs
gone=0 # pokes in a row that met no process of it
signal=0

say() {
  echo "$*" >&4
}

# End all processes but this one and wait until they are gone. `jobs` takes their bodies away. Nothing
# ever comes from `alive`: reading it is a pause without a process.
sweep() {
  while kill -9 -1; do
    jobs
    kill -0 -1 && read -t 0.001 -r nothing <&5
  done 2>/dev/null
}

# Let the worker read and remove all that is left below /pfs, whatever rights user code took away
# and whichever group it gave it to. Folders one by one, because they are entered afterwards. It costs
# a process, so the worker asks for it, by a greeting, where it has met what it cannot open.
open_up() {
  "$bb" find /pfs -mindepth 1 -type d \
    ! \( ! -perm -1000 \( -perm -0777 -o -perm -0770 -group "$group" \) \) \
    -exec "$bb" chmod a+rwx,-t {} \; \
    -o -type f ! -perm -0004 ! \( -perm -0440 -group "$group" \) -exec "$bb" chmod a+r {} + \
    2>/dev/null
}

finish() {
  sweep
  say done "$me" "$task" "$1" "$2"
  task=
}

# ---- from here on: in the process that becomes the task ----

fail() {
  echo "failed $task $1 ${2%%"$newline"*}" >&3
  exit 1
}

enter() {
  cd "$1" 2>/dev/null || fail working-dir "$1"
}

# look_up NAME PATH: set `found` to what an exec of the name would run, or fail with the reason.
look_up() {
  why=missing at=$1
  case $1 in
  */*) try "$1" && return ;;
  '') ;;
  *)
    rest=$2:
    while [ -n "$rest" ]; do
      folder=${rest%%:*} rest=${rest#*:}
      try "${folder:-.}/$1" && return
    done
    ;;
  esac
  fail "$why" "$at"
}

try() {
  [ -e "$1" ] || return 1
  at=$1
  if [ -d "$1" ] || ! [ -x "$1" ]; then
    why=denied
    return 1
  fi
  found=$1
  [ -r "$1" ] || return 0
  magic=
  IFS= read -r -n 4 magic <"$1"
  case $magic in
  "$elf") ;;
  '#!'*)
    read -r -n 255 magic <"$1"
    set -- ${magic#??}
    [ -e "$1" ] || { why=interpreter; return 1; }
    ;;
  *) why=format; return 1 ;;
  esac
  case $found in
  *=*) why=equals; return 1 ;; # busybox env would take it for a variable
  esac
}

# start NAME=VALUE... COMMAND ARGUMENTS...: become `time`, which starts the command in a session of
# its own and tells how it ended.
start() {
  exec 3>&- 4>&- 5>&- <"$here/tasks/$task.stdin" >"$here/tasks/$task.log" 2>&1
  exec "$bb" time -a -o "$here/io/control" -f "ended $task %x" "$bb" setsid "$bb" env -i "$@"
}

# start_quietly: the same, where the arguments of a process are no place for some variables. A second
# shell reads them, with nothing else in its environment, and starts the rest.
start_quietly() {
  exec 3>&- 4>&- 5>&- <"$here/tasks/$task.stdin" >"$here/tasks/$task.log" 2>&1
  exec "$bb" env -i "$bb" sh -c 'script=$1 quiet=yes; shift; . "$script"' sh "$here/tasks/$task.command" \
    "$bb" time -a -o "$here/io/control" -f "ended $task %x" "$bb" setsid \
    "$bb" env -u PWD -u OLDPWD -u SHLVL "$@"
}

# ---- to here ----

say here - "$me"
while :; do
  read -r verb a b c <&3 || continue # a signal came
  case $verb in
  greet) # WORD: answer with it, free of tasks
    task=
    sweep
    open_up
    say here "$a" "$me"
    "$bb" base64 </proc/1/environ >&4
    say end "$a"
    ;;
  run) # SHIM TASK
    [ "$a" = "$me" ] || continue
    task=$b gone=0 signal=0
    # Not `&`, which would leave the task with SIGINT and SIGQUIT ignored.
    : <(. "$here/tasks/$task.command")
    ;;
  kill) # SHIM TASK
    [ "$a" = "$me" ] && [ -n "$task" ] && [ "$b" = "$task" ] && finish signal 9
    ;;
  rest) # SHIM TASK: have it stand still between two datums, with all that it left open to the worker
    [ "$a" = "$me" ] && [ -n "$task" ] && [ "$b" = "$task" ] || continue
    kill -STOP -1 2>/dev/null
    open_up
    say rested "$me" "$task"
    ;;
  wake) # SHIM TASK
    [ "$a" = "$me" ] && [ -n "$task" ] && [ "$b" = "$task" ] && kill -CONT -1 2>/dev/null
    ;;
  poke) # SHIM TASK: take bodies away; see if the task lives
    [ "$a" = "$me" ] && [ -n "$task" ] && [ "$b" = "$task" ] || continue
    jobs
    if kill -0 -1 2>/dev/null; then gone=0; else gone=$((gone + 1)); fi
    [ $gone -lt 2 ] || finish signal 9 # it killed the process that would have told its end
    ;;
  Command) # what `time` says first of a command that a signal ended
    case $a in terminated) signal=${c##* } ;; esac
    ;;
  ended) # TASK CODE
    [ -n "$task" ] && [ "$a" = "$task" ] || continue
    if [ "$signal" != 0 ]; then finish signal "$signal"; else finish exit "$b"; fi
    ;;
  failed) # TASK WHY WHERE
    [ -n "$task" ] && [ "$a" = "$task" ] && finish "$b" "$c"
    ;;
  esac
done
