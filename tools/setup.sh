#!/bin/bash
# Makes a clone ready, quickly when it already is: Debian packages, configure, build.
# usage: tools/setup.sh LIST TARGET     LIST: run, test or ci; TARGET: what to build, "" for nothing
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
build=$root/build/release
cxx=${CXX:-c++}

die() {
  printf 'headlight: %s\n' "$*" >&2
  exit 1
}

# "package probe" lines of the lists that this kind of set-up needs.
package_lines() {
  local lists=("$root/tools/packages.txt")
  [[ $1 == run ]] || lists+=("$root/tools/packages-test.txt")
  [[ $1 != ci ]] || lists+=("$root/tools/packages-ci.txt")
  grep -hv -e '^#' -e '^$' "${lists[@]}"
}

# Is the thing there, whoever installed it?
found() {
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pkg:*) pkg-config --exists "${1#pkg:}" 2>/dev/null ;;
    font:*) [[ -n $(fc-list ":lang=${1#font:}" 2>/dev/null) ]] ;;
    header:*) echo "#include <${1#header:}>" | "$cxx" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null ;;
    *) return 1 ;;
  esac
}

on_debian() {
  [[ -r /etc/os-release ]] && grep -q '^ID=debian$' /etc/os-release && command -v apt-get dpkg-query >/dev/null
}

# Packages that are missing. On Debian its own list is asked (one fast call), but a program or
# a font that came from elsewhere, such as a newer Node.js, counts as well.
missing_packages() {
  local installed='' name probe
  if on_debian; then
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
  fi
  package_lines "$1" | while read -r name probe; do
    if grep -qxF "$name" <<<"$installed"; then continue; fi
    if { [[ -z $installed ]] || [[ $probe == cmd:* || $probe == font:* ]]; } && found "$probe"; then continue; fi
    echo "$name"
  done
}

install_packages() {
  local packages=("$@") as_root=()
  if ! on_debian; then
    die "this is not Debian, so nothing was installed. Missing, by Debian's package names: ${packages[*]}." \
      "Install them with your package manager and run this again."
  fi
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || die "these packages are missing and there is no sudo: run as root: apt-get install ${packages[*]}"
    as_root=(sudo)
    [[ -t 0 ]] || as_root+=(-n)
    "${as_root[@]}" true || die "these packages are missing and sudo was refused: run as root: apt-get install ${packages[*]}"
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  echo "headlight: installing ${packages[*]}"
  # Without a network `update` only warns; what counts is whether the packages arrive.
  "${as_root[@]}" apt-get -q update || true
  "${as_root[@]}" apt-get -q -y install --no-install-recommends "${packages[@]}" ||
    die "apt-get could not install these (its reason is above; is there a network?): ${packages[*]}"
}

check_versions() {
  local cmake_version
  cmake_version=$(cmake --version | sed -n '1s/[^0-9]*//p')
  printf '3.25\n%s\n' "$cmake_version" | sort -CV ||
    die "CMake $cmake_version is too old: 3.25 or newer is needed"
  printf '#include <bit>\n#include <concepts>\n#include <source_location>\nint main() { return std::popcount(1u) - 1; }\n' |
    "$cxx" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null ||
    die "the compiler $cxx ($("$cxx" --version 2>/dev/null | head -n1)) does not do C++20: GCC 12 or newer is needed (set CXX)"
}

# A build folder that was copied along with the clone points at the old place: start it afresh.
configure() {
  local home
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
  if [[ -f $build/build.ninja && $home == "$root" && $1 == run ]]; then return; fi
  check_versions
  local fresh=()
  [[ -z $home || $home == "$root" ]] || fresh=(--fresh)
  (cd "$root" && cmake --preset release "${fresh[@]}") || die "configuring failed; the reason is above"
}

main() {
  local list=$1 target=$2 missing
  mapfile -t missing < <(missing_packages "$list")
  [[ ${#missing[@]} == 0 ]] || install_packages "${missing[@]}"
  [[ -n $target ]] || return 0
  configure "$list"
  cmake --build "$build" --target "$target" || die "the build failed; the reason is above"
}

main "${1:?list: run, test or ci}" "${2-}"
