#!/usr/bin/env bash
# What somebody sees who clones klatsch and runs the first of its two commands: `npm ci && npm start` in a fresh clone, by a given
# npm, as a given user, below a folder of a given mode; then one message by curl, and an orderly stop. Touches nothing but a
# temporary folder. Without a commit to clone it takes the files that would be committed.
#
#   scripts/fresh-clone.sh [--npm VERSION] [--user NAME] [--mode MODE] [--test]
#
#   --npm VERSION  by `npx npm@VERSION`, such as 10; default: the npm on the PATH
#   --user NAME    as an existing ordinary user; only root may ask for that
#   --mode MODE    of the folder above the clone; default: 0755
#   --test         `npm test` as well
#
# Needs git, curl and Node with its npm. Status 0 if everything went as it should; else the last words of what did not.
set -euo pipefail

npm=(npm)
user=''
mode=0755
tests=no
while [ $# -gt 0 ]; do
  case $1 in
    --npm) npm=(npx --yes "npm@$2"); shift 2 ;;
    --user) user=$2; shift 2 ;;
    --mode) mode=$2; shift 2 ;;
    --test) tests=yes; shift ;;
    *) sed -n '/^#   scripts/,/^# Needs/p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
  esac
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
clone=$work/above/klatsch
log=$work/log
server=''

finish () {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail () {
  echo "not ok  $1" >&2
  # What failed of a test run may be far from its end. Addresses are those of whoever runs this.
  { grep -E -A 20 '^ *not ok' "$log" | head -n 200; tail -n 40 "$log"; } 2>/dev/null | sed -E 's#https?://[^[:space:]"]+#(address)#g' >&2
  exit 1
}

# as COMMAND...: as the user who was asked for, at home in the temporary folder
as () {
  if [ -n "$user" ]; then
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME="$work/home" USER="$user" "$@"
  else
    env HOME="$work/home" "$@"
  fi
}

# step NAME SECONDS COMMAND...: as the user, in the clone, with its output in the log
step () {
  local name=$1 limit=$2 began=$SECONDS
  shift 2
  (cd "$clone" && as timeout -k 10 "$limit" "$@") >"$log" 2>&1 </dev/null || fail "$name"
  echo "ok      $name, $((SECONDS - began)) s"
}

# field NAME: of the JSON on stdin, dots between names
field () {
  node -e 'const text = require("fs").readFileSync(0, "utf8"); console.log(process.argv[1].split(".").reduce((value, name) => value[name], JSON.parse(text)))' "$1"
}

# ask METHOD PATH [BODY]: by curl
ask () {
  curl --silent --show-error --fail-with-body --max-time 10 -X "$1" "$url$2" \
    ${token:+-H "authorization: Bearer $token"} ${3:+-H 'content-type: application/json' -d "$3"} || fail "$1 $2"
}

# The registry of whoever runs this, whose settings a new home does not have.
npm_config_registry=$(npm config get registry 2>/dev/null)
export npm_config_registry npm_config_cache=$work/home/.npm npm_config_update_notifier=false

chmod 711 "$work"
mkdir "$work/home" "$work/above"
if git -C "$root" rev-parse --quiet --verify HEAD >/dev/null; then
  git clone --quiet --no-hardlinks "$root" "$clone"
  [ -z "$(git -C "$root" status --porcelain)" ] || echo 'note    the work tree has changes that are not committed: they are not in the clone' >&2
else
  mkdir "$clone"
  (cd "$root" && git ls-files -coz --exclude-standard | tar --null -cf - -T -) | tar -xf - -C "$clone"
fi
[ -z "$user" ] || chown -R "$user:" "$work/home" "$work/above"
chmod "$mode" "$work/above"
echo "        as ${user:-$(id -un)}, below a folder of mode $mode, Node $(node --version)"

step "npm ci (npm $(cd "$clone" && as "${npm[@]}" --version 2>/dev/null || echo '?'))" 600 "${npm[@]}" ci --no-progress

(cd "$clone" && as env HOST=127.0.0.1 PORT=0 "${npm[@]}" start) >"$log" 2>&1 </dev/null &
server=$!
for _ in $(seq 600); do
  url=$(sed -nE 's/.*klatsch is ready at (http[^"]+).*/\1/p' "$log" | head -n 1)
  [ -z "$url" ] || break
  kill -0 "$server" 2>/dev/null || fail 'npm start: it ended'
  sleep 0.2
done
[ -n "$url" ] || fail 'npm start: not ready in two minutes'
echo 'ok      npm start'

token=''
token=$(ask POST /api/auth/guest '{"username":"Ann"}' | field token)
cafe=$(ask POST /api/cafes '{"name":"Corner Table"}' | field id)
ask POST "/api/chat/messages/$cafe" '{"content":"Hello everyone!"}' >/dev/null
[ "$(ask GET "/api/chat/messages/$cafe" | field messages.0.content)" = 'Hello everyone!' ] || fail 'the message is not in the history'
echo 'ok      a message, by curl'

# To the server itself, as a supervisor would, not to the npm around it.
pid=$(sed -nE 's/.*"pid":([0-9]+).*klatsch is ready.*/\1/p' "$log" | head -n 1)
began=$SECONDS
kill -TERM "$pid"
status=0
wait "$server" || status=$?
server=''
[ "$status" -eq 0 ] || fail "SIGTERM: exit code $status"
[ $((SECONDS - began)) -lt 10 ] || fail "SIGTERM: it took $((SECONDS - began)) s"
echo 'ok      stopped'

[ "$tests" = no ] || step 'npm test' 1200 "${npm[@]}" test
