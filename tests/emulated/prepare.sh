#!/usr/bin/env bash
# Makes the folder $1: qemu for programs of aarch64, and Debian's Python for them in a root of their
# own. Needs a Debian or Ubuntu host, and no rights beyond writing there.
set -euo pipefail
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
if [ -e "$folder/ready" ]; then exit 0; fi
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || {
    echo "prepare.sh needs $tool: run it on Debian or Ubuntu" >&2
    exit 1
  }
done

# An apt of its own, that knows no installed package and so fetches all that Python needs.
apt="$folder/apt"
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
own=(-o APT::Sandbox::User=root -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status"
  -o "Dir::Cache=$apt/cache" -o APT::Install-Recommends=false -o Debug::NoLocking=true)
arm=("${own[@]}" -o APT::Architecture=arm64 -o APT::Architectures=arm64)

fetch() { # architecture options..., then packages: everything they need, unpacked into a folder
  local target="$1" packages="$2"
  shift 2
  rm -f "$apt"/cache/archives/*.deb
  apt-get -qq "$@" update
  # shellcheck disable=SC2086
  apt-get -qq -y "$@" --download-only install $packages
  mkdir -p "$target"
  for package in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$package" "$target"; done
}

fetch "$folder/root" "python3-minimal libpython3-stdlib libstdc++6 libgomp1" "${arm[@]}"
rm -f "$apt"/cache/archives/*.deb
apt-get -qq "${own[@]}" update
(cd "$apt/cache/archives" && apt-get -qq "${own[@]}" download qemu-user-static)
dpkg-deb -x "$apt"/cache/archives/qemu-user-static*.deb "$folder/qemu"
rm -rf "$apt"

# onnxruntime asks the kernel what processor this is: the cores of a Raspberry Pi 4.
mkdir -p "$folder/root/proc"
for core in 0 1 2 3; do
  printf 'processor\t: %d\nBogoMIPS\t: 108.00\n' "$core"
  printf 'Features\t: fp asimd evtstrm crc32 cpuid\n'
  printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n'
  printf 'CPU part\t: 0xd08\nCPU revision\t: 3\n\n'
done >"$folder/root/proc/cpuinfo"
touch "$folder/ready"
