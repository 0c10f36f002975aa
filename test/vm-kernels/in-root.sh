#!/bin/sh
# Runs Node on another release's C library and libbpf: in-root.sh ROOT REPOSITORY DIRECTORY NODE ARGUMENT...
# In a mount namespace of its own (unshare --mount), so that no mount is left; both directories keep their paths.
set -e
root=$1 repository=$2 directory=$3 node=$4
shift 4
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/usr/sbin" "$root$repository" "$root$directory"
touch "$root/node"
mount --bind "$node" "$root/node"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount --bind "$repository" "$root$repository"
mount --bind "$directory" "$root$directory"
# Where libbpf-tools are.
mount --bind /usr/sbin "$root/usr/sbin"
exec chroot "$root" /node "$@"
