/**
 * What root runs in the guest: a few functions, called by the lines that come in on standard input
 * (see `words.ts`), each with what it takes from the same input. A line `no INDEX REASON` is the last
 * answer. Needs POSIX sh and the usual programs, as GNU or BusyBox have them.
 *
 * In the store, one folder for each FileInjection, readable by root alone, lie for a file KEY.path
 * (written by us; says which) and KEY.before (what was there before), for a folder KEY.made (made by
 * us) and KEY.stage (being worked in).
 *
 * Parameter expansions stand as \${...} here, because those without a backslash would be TypeScript's.
 */
export const guestScript = String.raw`
nl='
'
umask 077
uid=$(id -u)
at=
staged=
trap '' PIPE
trap 'unstage' EXIT
trap 'exit 4' HUP INT TERM

ok() { echo ok; }
no() {
  set -f
  IFS=$nl
  set -- $1
  IFS=' '
  printf 'no %s %s\n' "\${at:--}" "$*"
  exit 3
}
try() { reason=$("$@" 2>&1 >/dev/null) || no "$reason"; }
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
note() { { printf %s "$2" >"$1"; } 2>/dev/null || { rm -f -- "$1"; no "$1 cannot be written"; }; }
noted() { noted=$(cat -- "$1"; echo .); noted=\${noted%.}; }

begin() {
  root=$1 id=$2 store=$1/$2
  for tool in cat chmod chown cp dd ln mkdir mv rm rmdir sha256sum stat sync; do
    command -v $tool >/dev/null || no "the guest has no program $tool"
  done
}

open_store() {
  # Another one may just have removed its own, and with it the folder of all.
  mkdir -p -- "$store" 2>/dev/null || try mkdir -p -- "$store"
  for mark in "$store"/*.stage; do
    [ -f "$mark" ] || continue
    noted "$mark"
    try rm -rf -- "$noted" "$mark"
  done
}

leave_store() {
  rm -f -- "$store/probe"
  rmdir -- "$store" "$root" "\${root%/*}" 2>/dev/null
}

look() {
  for f; do
    shift
    if [ -L "$f" ]; then echo link
    elif [ -f "$f" ]; then echo file; set -- "$@" "$f"
    elif [ -d "$f" ]; then echo folder
    elif [ -e "$f" ]; then echo other
    else echo none
    fi
  done
  [ $# = 0 ] || { stat -c '%u %g %a %U %G' -- "$@" && sha256sum -- "$@"; } 2>&1
}

who() {
  : >"$store/probe"
  for f; do
    if reason=$(chown -- "$f" "$store/probe" 2>&1); then echo yes; else echo "$reason"; fi
  done
  rm -f -- "$store/probe"
}

folder() {
  [ -d "$2" ] && return
  ! is_there "$2" || no "$2 is there and is no folder"
  note "$store/$1.made" "$2"
  if reason=$(mkdir -m 755 -- "$2" 2>&1); then
    try chown -h -- "$3" "$2"
  else
    rm -f -- "$store/$1.made"
    [ -d "$2" ] || no "$reason"
  fi
}

stage() {
  staged=$2/.corral-$id mark=$store/$1.stage
  ! is_there "$staged" || try rm -rf -- "$staged"
  note "$mark" "$staged"
  try mkdir -m 700 -- "$staged"
  cd -P -- "$staged" || no "$staged is gone"
  case $(stat -c %u:%a .) in
    "$uid":700 | "$uid":2700) ;;
    *) no "somebody else has changed $staged" ;;
  esac
}

unstage() {
  cd /
  [ -z "$staged" ] || rm -rf -- "$staged" "$mark"
  staged=
}

put() {
  at=$1
  if [ "$3" = 0 ]; then
    note "./$2" ""
  else
    try dd of="./$2" bs=65536 count="$3" iflag=fullblock,count_bytes status=none
  fi
}

copy() { at=$1; try cp -- "$3" "./$2"; }

settle() { at=; sync -f . 2>/dev/null || sync; }

before() {
  at=$1
  [ ! -f "$store/$2.path" ] || return
  ! is_there "$store/$2.before" || try rm -f -- "$store/$2.before"
  if [ "$4" = restore ] && is_there "$3"; then
    ln -- "$3" "$store/$2.before" 2>/dev/null || {
      try rm -f -- "$store/draft"
      try cp -a -- "$3" "$store/draft"
      try mv -f -- "$store/draft" "$store/$2.before"
    }
  fi
  note "$store/$2.path" "$3"
}

take() {
  at= dir=$1
  shift
  reason=$(mv -f -- "$@" "$dir/" 2>&1)
  for f; do if is_there "$f"; then echo left; else echo moved; fi; done
  echo "$reason"
}

hand_over() {
  if is_there "$mine.before"; then
    try mv -f -- "$mine.before" "$1.before"
  else
    try rm -f -- "$1.before"
  fi
  try rm -f -- "$mine.path"
}

put_back() {
  [ -d "$2" ] && ! [ "$mine.before" -ef "$1" ] || return
  draft=$2/.corral-$id
  ! is_there "$draft" || try rm -rf -- "$draft"
  ln -- "$mine.before" "$draft" 2>/dev/null || try cp -a -- "$mine.before" "$draft"
  [ ! -L "$1" ] || try rm -f -- "$1"
  try mv -f -- "$draft" "$1"
}

drop() {
  at=$1 mine=$store/$2
  [ -f "$mine.path" ] || return
  for other in "$root"/*/"$2.path"; do
    [ "$other" -nt "$mine.path" ] || continue
    hand_over "\${other%.path}"
    return
  done
  if [ -d "$3" ] && [ ! -L "$3" ]; then
    echo "kept $at"
  elif [ "$5" = restore ] && is_there "$mine.before"; then
    put_back "$3" "$4"
  else
    try rm -f -- "$3"
  fi
  try rm -f -- "$mine.path" "$mine.before"
}

tidy() {
  at= again=yes
  while [ -n "$again" ]; do
    again=
    for mark in "$store"/*.made; do
      [ -f "$mark" ] || continue
      noted "$mark"
      [ ! -d "$noted" ] || rmdir -- "$noted" 2>/dev/null || continue
      rm -f -- "$mark"
      again=yes
    done
  done
}

forget() { try rm -rf -- "$store"; leave_store; }

while IFS= read -r line; do eval "$line"; done
exit 4
`.replaceAll("\\${", "${");
