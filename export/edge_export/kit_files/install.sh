#!/bin/sh
# Installs Edge Insights from this folder, without a network.
#
#   sh install.sh [--prefix FOLDER] [--bin FOLDER] [--python PYTHON] [--service INBOX OUTPUT]
#
# Everything goes into a new folder below the prefix, which becomes the current one in a single
# step at the end: an installation that fails leaves what was there before.
set -eu

kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$kit/kit.env" # KIT, MACHINE, PYTHON_VERSION

if [ "$(id -u)" = 0 ]; then
  prefix=/opt/edge-insights
  bin=/usr/local/bin
else
  prefix=$HOME/.local/share/edge-insights
  bin=$HOME/.local/bin
fi
python=
inbox=
output=
units=/etc/systemd/system

fail() {
  echo "install.sh: $1" >&2
  [ $# -lt 2 ] || echo "  $2" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
    --bin) bin=${2:?--bin needs a folder}; shift 2 ;;
    --python) python=${2:?--python needs a program}; shift 2 ;;
    --units) units=${2:?--units needs a folder}; shift 2 ;;
    --service)
      [ $# -ge 3 ] || fail "--service needs two folders: INBOX OUTPUT"
      inbox=$2; output=$3; shift 3 ;;
    -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0"; exit 0 ;;
    *) fail "unknown option $1" "sh install.sh --help lists them." ;;
  esac
done

cd "$kit"
sha256sum --check --strict --quiet SHA256SUMS >&2 ||
  fail "this kit is not as it was made: the files above differ from SHA256SUMS" \
    "Copy it again. Nothing was installed."

machine=$(uname -m)
[ "$machine" = "$MACHINE" ] ||
  fail "this kit is for $MACHINE processors, this one is $machine" \
    "Make another with: edge-export kit --device NAME"

version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}
for candidate in "$python" "python$PYTHON_VERSION" python3; do
  if [ -n "$candidate" ] && [ "$(version_of "$candidate")" = "$PYTHON_VERSION" ]; then
    found=$candidate
    break
  fi
  [ -z "$python" ] || fail "$python is no Python $PYTHON_VERSION" "This kit is made for that one."
done
[ -n "${found:-}" ] ||
  fail "this kit is for Python $PYTHON_VERSION; here is $(version_of python3)" \
    "Make another with: edge-export kit --python $(version_of python3)"

target=$prefix/versions/$KIT
if [ ! -e "$target/complete" ]; then
  rm -rf "$target"
  # Whatever ends this before the end takes away what it began.
  trap 'rm -rf "$target"' EXIT
  trap 'exit 130' INT TERM HUP
  mkdir -p "$prefix/versions"
  "$found" -m venv --without-pip "$target"
  # Only what the sums name: a file that was put beside them is not installed.
  wheels=$(sed -n 's/^[0-9a-f]*  \(wheels\/.*\.whl\)$/\1/p' SHA256SUMS)
  pip=$(sed -n 's/^[0-9a-f]*  \(pip\/.*\.whl\)$/\1/p' SHA256SUMS)
  # shellcheck disable=SC2086
  PYTHONDONTWRITEBYTECODE=1 "$target/bin/python" "$pip/pip" install --quiet --no-index --no-deps \
    --no-compile --no-cache-dir --disable-pip-version-check --root-user-action ignore $wheels
  # Never loaded here: the libraries' own tests, and what onnxruntime brings for workstations.
  site=$(echo "$target"/lib/python*/site-packages)
  find "$site/numpy" -type d -name tests -prune -exec rm -rf {} +
  for tool in transformers quantization tools; do rm -rf "$site/onnxruntime/$tool"; done
  models=$site/edge/models
  for bundle in bundles/*/*; do
    [ -d "$bundle" ] || continue
    mkdir -p "$models/$(basename "$(dirname "$bundle")")"
    cp -R "$bundle" "$models/$(basename "$(dirname "$bundle")")/"
  done
  mkdir -p "$target/licences"
  cp -R licences/. "$target/licences/"
  "$target/bin/edge" models verify >&2
  # A digest, for proof; also compiles the modules that one needs, and no others.
  episode=$("$target/bin/python" -c 'import edge.bench.episode as e; print(e.episode_path())')
  PYTHONDONTWRITEBYTECODE='' "$target/bin/edge" summarize --quiet "$episode" >/dev/null
  touch "$target/complete"
  trap - EXIT INT TERM HUP
fi

mkdir -p "$bin"
ln -sfn "versions/$KIT" "$prefix/current.new"
mv -T "$prefix/current.new" "$prefix/current"
ln -sf "$prefix/current/bin/edge" "$bin/edge"
if command -v systemctl >/dev/null; then # a service that runs the version before
  systemctl try-restart edge-watch.service 2>/dev/null || true
fi
for old in "$prefix"/versions/*; do
  [ "$old" = "$target" ] || rm -rf "$old"
done

if [ -n "$inbox" ]; then
  mkdir -p "$inbox" "$output" "$units"
  owner=$(stat -c %U "$inbox")
  sed -e "s|@EDGE@|$prefix/current/bin/edge|" -e "s|@USER@|$owner|" \
    -e "s|@INBOX@|$(CDPATH='' cd -- "$inbox" && pwd)|g" \
    -e "s|@OUTPUT@|$(CDPATH='' cd -- "$output" && pwd)|g" edge-watch.service \
    >"$units/edge-watch.service.new"
  mv "$units/edge-watch.service.new" "$units/edge-watch.service"
  if [ "$units" = /etc/systemd/system ] && command -v systemctl >/dev/null; then
    systemctl daemon-reload
    systemctl enable --now edge-watch.service
  fi
fi

echo "installed $("$bin/edge" --version) in $target; the command is $bin/edge"
case :$PATH: in
  *:"$bin":*) ;;
  *) echo "Put $bin on your PATH to call it 'edge'." ;;
esac
