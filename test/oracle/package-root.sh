#!/bin/sh
# package-root.sh DIRECTORY ARCHITECTURE SUITE PACKAGE...: unpack Debian packages of any architecture and release, with
# what they need, into DIRECTORY, for tests to run what is in them: "" is this machine's suite, ^PATTERN the newest package
# of such a name. Uses a private apt state there: neither dpkg's architectures nor anything installed is touched.
set -eu
root=$1 architecture=$2 suite=$3
shift 3
mkdir -p "$root"
root=$(cd "$root" && pwd)
whole=$root/.whole
[ "$(cat "$whole" 2>/dev/null)" = "$architecture $suite $*" ] && exit 0

apt=$root/.apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: > "$apt/status"
# The archive and the suite this machine already uses.
. /etc/os-release
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
  head -1 | tr -d ' ' | sed 's,/$,,')
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] ${mirror:?no Debian archive configured} ${suite:-$VERSION_CODENAME} main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
CONF
export APT_CONFIG="$apt/apt.conf"
apt-get update -qq
names=
for package in "$@"; do
  case $package in ^*) package=$(apt-cache --names-only search "$package" | cut -d' ' -f1 | sort -V | tail -1) ;; esac
  names="$names $package"
done
# shellcheck disable=SC2086
apt-get install -qq -y --download-only --no-install-recommends $names > /dev/null
for deb in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
rm -rf "$apt"
echo "$architecture $suite $*" > "$whole"
