#!/bin/sh
# s390x-root.sh DIRECTORY: unpack s390x bpftool, libbpf and what they need into DIRECTORY, for test/oracle/s390x.ts.
# Uses a private apt state there: neither dpkg's architectures nor anything installed is touched.
set -eu
root=$1
mkdir -p "$root"
root=$(cd "$root" && pwd)
[ -x "$root/usr/sbin/bpftool" ] && [ -e "$root/usr/lib/s390x-linux-gnu/libbpf.so" ] && exit 0

apt=$root/.apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: > "$apt/status"
# The archive and the suite this machine already uses.
. /etc/os-release
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
  head -1 | tr -d ' ' | sed 's,/$,,')
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] ${mirror:?no Debian archive configured} $VERSION_CODENAME main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
APT::Architecture "s390x";
APT::Architectures { "s390x"; };
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
# What libbpf needs at run time, and the C library's and compiler's halves that linking a program against it needs.
libgcc=$(apt-cache --names-only search '^libgcc-[0-9]+-dev$' | cut -d' ' -f1 | sort -V | tail -1)
apt-get install -qq -y --download-only --no-install-recommends bpftool libbpf-dev "$libgcc" > /dev/null
for deb in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
rm -rf "$apt"
