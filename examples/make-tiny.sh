#!/bin/sh
# Builds examples/tiny, an OCI image layout with one image for linux/amd64 and linux/arm64, from packages of Debian 12,
# and beside it, in OUTPUT.copyright, the packages' copyright files.
#
#   usage: make-tiny.sh OUTPUT          (neither directory may exist; needs no root)
#
# Tools, all in Debian 12:
#   apt-get install apt dpkg fakeroot tar gzip zstd attr libcap2-bin coreutils debian-archive-keyring
#
# Same tools, same bytes: the packages are pinned by version and sha256, times and owners are set, names are sorted.
# Other releases of gzip and zstd may compress to other bytes; the layers' diff_ids stay.
#
# When the mirror no longer has a pinned version, take a snapshot of a day that had it (the checked-in image: 2026-11-20):
#   MIRROR=https://snapshot.debian.org/archive/debian/20261120T000000Z make-tiny.sh tiny
set -eu
export LC_ALL=C TZ=UTC
umask 022

MIRROR=${MIRROR:-http://deb.debian.org/debian}
EPOCH=1767225600 # 2026-01-01T00:00:00Z: no file is newer
CREATED=2026-01-01T00:00:00Z

packages() { # architecture -> name, version, sha256 of the .deb
  case $1 in
    amd64) cat <<'END' ;;
base-files 12.4+deb12u15 3eb1ea6d85488f488cc2a163b98ad640ef88cee4c79287cf14e361aaf6206f47
klibc-utils 2.0.12-1 7807ca9145ef029075f2b05ef1de1756d8a5c5aa124cca461757d55fabbdfd79
libklibc 2.0.12-1 6ac44426be69c64fcd9c70f117b7f9b4d3335d5d361c670aa80619b8f9ab09a5
END
    arm64) cat <<'END' ;;
base-files 12.4+deb12u15 b1272fbdc197f7d5bd22c05b741a03840f8bec66ca68c8d797f567ff2c99d42d
klibc-utils 2.0.12-1 f5382511a8fa6b08a3fe71e1f0fd8cc34f73ba875d66df387480c6e9216e0484
libklibc 2.0.12-1 8b019370a73010b5feb7535f1b12e1b3c408ce4d89ff324a91eb6702267cbbeb
END
    all) cat <<'END' ;;
netbase 6.4 29b23c48c0fe6f878e56c5ddc9f65d1c05d729360f3690a593a8c795031cd867
tzdata 2026b-0+deb12u1 0edb49f4dffe0d5608069f7e4ba4d69544d3b9e86fc314dd8b75e9958d8e5e98
END
  esac
}

# ---- packages -------------------------------------------------------------------------------------------------------

fetch() { # architecture: its packages, unpacked into $work/ARCHITECTURE; apt checks the archive's signature, we the pins
  arch=$1
  native=$arch
  [ "$arch" = all ] && native=amd64
  apt=$work/apt/$arch
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$work/$arch"
  cat >"$apt/debian.sources" <<END
Types: deb
URIs: $MIRROR
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  set -- -qq -o APT::Sandbox::User= -o APT::Architecture="$native" -o APT::Architectures="$native" \
    -o Dir::Etc::SourceList="$apt/debian.sources" -o Dir::Etc::SourceParts=/nonexistent \
    -o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache"
  apt-get "$@" update
  packages "$arch" >"$apt/wanted"
  while read -r name version digest; do
    (cd "$apt/debs" && apt-get "$@" download "$name=$version")
    deb=$(echo "$apt/debs/${name}_"*.deb)
    echo "$digest  $deb" | sha256sum --check --quiet
    dpkg-deb -x "$deb" "$work/$arch"
  done <"$apt/wanted"
}

# ---- layers ---------------------------------------------------------------------------------------------------------

copyright() { # from-root to-root package...: the packages' copyright files
  from=$1 to=$2
  shift 2
  for name; do
    mkdir -p "$to/usr/share/doc/$name"
    cp -a "$from/usr/share/doc/$name/copyright" "$to/usr/share/doc/$name/"
  done
}

base_layer() { # architecture: a shell and its tools, and the files every Debian has
  from=$work/$1 to=$work/base-$1
  mkdir -p "$to/dev" "$to/etc" "$to/lib" "$to/proc" "$to/root" "$to/run" "$to/sys" "$to/tmp" "$to/usr/bin" "$to/usr/lib/klibc/bin" \
    "$to/usr/share/common-licenses"
  chmod 700 "$to/root"
  chmod 1777 "$to/tmp"
  ln -s usr/bin "$to/bin"
  cp -a "$from"/lib/klibc-*.so "$to/lib/"
  for tool in cat chroot false halt ipconfig kill ln ls mkdir mount mv poweroff readlink reboot sh sleep sync true umount uname; do
    cp -a "$from/usr/lib/klibc/bin/$tool" "$to/usr/lib/klibc/bin/"
  done
  for tool in poweroff reboot; do # one program under three names
    cmp -s "$to/usr/lib/klibc/bin/halt" "$to/usr/lib/klibc/bin/$tool"
    ln -f "$to/usr/lib/klibc/bin/halt" "$to/usr/lib/klibc/bin/$tool"
  done
  for tool in "$to"/usr/lib/klibc/bin/*; do # as hard links also where PATH looks
    ln "$tool" "$to/usr/bin/"
  done
  setcap cap_net_bind_service,cap_net_admin,cap_net_raw+ep "$to/usr/lib/klibc/bin/ipconfig"
  setfattr -n user.xdg.origin.url -v https://packages.debian.org/bookworm/klibc-utils "$to/usr/lib/klibc/bin/sh"
  cp -a "$from/etc/debian_version" "$from/etc/issue" "$from/etc/os-release" "$to/etc/"
  cp -a "$from/usr/lib/os-release" "$to/usr/lib/"
  cp -a "$from/usr/share/base-files/motd" "$to/etc/motd"
  cp -a "$from/usr/share/common-licenses/GPL-2" "$to/usr/share/common-licenses/"
  copyright "$from" "$to" base-files libklibc
  ln -s libklibc "$to/usr/share/doc/klibc-utils"
  echo 'root:x:0:0:root:/root:/usr/bin/sh' >"$to/etc/passwd"
  echo 'root:x:0:' >"$to/etc/group"
}

data_layer() { # the time zones and the names of network services, the same for every machine
  from=$work/all to=$work/data
  mkdir -p "$to/etc" "$to/usr/share"
  cp -a "$from/etc/protocols" "$from/etc/services" "$to/etc/"
  cp -a "$from/usr/share/zoneinfo" "$to/usr/share/"
  rm -rf "$to/usr/share/zoneinfo/posix" "$to/usr/share/zoneinfo/right"
  copyright "$from" "$to" netbase tzdata
}

site_layer() { # what one site changes: files added, replaced and taken away
  to=$work/site
  mkdir -p "$to/etc" "$to/home/user" "$to/run" "$to/usr/bin" "$to/usr/share/doc/hello/Grüße" "$to/usr/share/zoneinfo/Indian"
  cat >"$to/usr/bin/hello" <<'END'
#!/usr/bin/sh
# Prints a greeting, the machine and the release.
cat /etc/issue
uname -m
. /etc/os-release
echo "$PRETTY_NAME"
END
  chmod 755 "$to/usr/bin/hello"
  ln "$to/usr/bin/hello" "$to/usr/bin/welcome"
  echo 'Hello from an OCI image.' >"$to/etc/issue" #            replaces the base layer's
  : >"$to/etc/.wh.motd" #                                       takes a file away
  : >"$to/usr/share/zoneinfo/.wh.Antarctica" #                  takes a directory away
  : >"$to/usr/share/zoneinfo/Indian/.wh..wh..opq" #             empties a directory, and one file is back
  cp -a "$work/all/usr/share/zoneinfo/Indian/Maldives" "$to/usr/share/zoneinfo/Indian/"
  ln -s ../usr/share/zoneinfo/Etc/UTC "$to/etc/localtime"
  printf 'root:x:0:0:root:/root:/usr/bin/sh\nuser:x:1000:1000:user:/home/user:/usr/bin/sh\n' >"$to/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' >"$to/etc/group"
  echo 'A name that is not ASCII.' >"$to/usr/share/doc/hello/Grüße/für-alle"
  echo 'A path longer than the hundred bytes that an old tar header has room for.' \
    >"$to/usr/share/doc/hello/$(printf 'long-%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)name"
  echo 'export PS1="\$ "' >"$to/home/user/.profile"
  setfattr -n user.comment -v 'read by sh when it is a login shell' "$to/home/user/.profile"
  chmod 750 "$to/home/user"
  chown -R 1000:1000 "$to/home/user"
  mkfifo -m 600 "$to/run/initctl"
}

notices() { # the copyright files and the licence they name, readable without unpacking a layer
  mkdir -p "$out.copyright"
  for name in base-files libklibc; do cp "$work/base-amd64/usr/share/doc/$name/copyright" "$out.copyright/$name"; done
  for name in netbase tzdata; do cp "$work/data/usr/share/doc/$name/copyright" "$out.copyright/$name"; done
  cp "$work/base-amd64/usr/share/common-licenses/GPL-2" "$out.copyright/"
}

pack() { # directory -> $work/DIRECTORY.tar
  (cd "$work/$1" && find . -mindepth 1 -maxdepth 1 -printf '%P\n' | sort) >"$work/$1.names"
  tar --create --file="$work/$1.tar" --directory="$work/$1" --files-from="$work/$1.names" --format=posix --sort=name --numeric-owner \
    --clamp-mtime --mtime="@$EPOCH" --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --xattrs --xattrs-include='*'
}

# ---- layout ---------------------------------------------------------------------------------------------------------

hash() { sha256sum "$1" | cut -d ' ' -f 1; }

blob() { # file: stored under its digest; prints the middle of a descriptor
  digest=$(hash "$1")
  cp "$1" "$out/blobs/sha256/$digest"
  printf '"digest":"sha256:%s","size":%d' "$digest" "$(stat -c %s "$1")"
}

image() { # architecture, platform JSON: config and manifest; leaves the manifest's descriptor in $work/ARCHITECTURE.descriptor
  printf '{"created":"%s",%s,"config":{"User":"user","Env":["PATH=/usr/bin"],"Cmd":["/usr/bin/hello"],"WorkingDir":"/tmp"},' \
    "$CREATED" "$2" >"$work/$1.config"
  printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s","sha256:%s"]},"history":[' \
    "$(hash "$work/base-$1.tar")" "$(hash "$work/data.tar")" "$(hash "$work/site.tar")" >>"$work/$1.config"
  for name in base data site; do
    [ $name = base ] || printf ',' >>"$work/$1.config"
    printf '{"created":"%s","created_by":"make-tiny.sh: %s layer"}' "$CREATED" $name >>"$work/$1.config"
  done
  printf ']}' >>"$work/$1.config"
  {
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[' \
      "$(blob "$work/$1.config")"
    printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s},' "$(blob "$work/base-$1.tar.gz")"
    printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd",%s},' "$(blob "$work/data.tar.zst")"
    printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}],' "$(blob "$work/site.tar.gz")"
    printf '"annotations":{"org.opencontainers.image.created":"%s","org.opencontainers.image.title":"tiny"}}' "$CREATED"
  } >"$work/$1.manifest"
  printf '"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"platform":{%s}' "$(blob "$work/$1.manifest")" "$2" >"$work/$1.descriptor"
}

layout() {
  mkdir -p "$out/blobs/sha256"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
  gzip -9 -n -k "$work/base-amd64.tar" "$work/base-arm64.tar" "$work/site.tar"
  zstd -q -19 -k "$work/data.tar"
  image amd64 '"architecture":"amd64","os":"linux"'
  image arm64 '"architecture":"arm64","os":"linux","variant":"v8"'
  amd64=$(cat "$work/amd64.descriptor") arm64=$(cat "$work/arm64.descriptor")
  both='{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":['
  printf '%s{%s},{%s}]}' "$both" "$amd64" "$arm64" >"$work/index"
  named() { printf '{%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}' "$1" "$2"; }
  printf '%s%s,%s,%s]}' "$both" \
    "$(named "\"mediaType\":\"application/vnd.oci.image.index.v1+json\",$(blob "$work/index")" latest)" \
    "$(named "$amd64" amd64)" "$(named "$arm64" arm64)" >"$out/index.json"
}

# ---- main -----------------------------------------------------------------------------------------------------------

if [ "${1:-}" = --build ]; then # second half, inside fakeroot: owners and capabilities are set
  work=$2 out=$3
  base_layer amd64
  base_layer arm64
  data_layer
  site_layer
  for name in base-amd64 base-arm64 data site; do pack $name; done
  layout
  notices
  exit
fi
[ $# -eq 1 ] && [ ! -e "$1" ] && [ ! -e "$1.copyright" ] || { echo "usage: $0 OUTPUT (neither it nor OUTPUT.copyright may exist)" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch amd64
fetch arm64
fetch all
fakeroot -- sh "$0" --build "$work" "$1"
(cd "$1" && find . -type f -printf '%s %P\n' | sort -k 2)
