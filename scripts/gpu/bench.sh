#!/bin/sh
# Runs Graft's bench on this machine's graphics card: ./bench.sh CASE... [--quick] [--torch PYTHON] [--out DIR] (--help lists more)
# All of it, correctness first, into one report: ./bench.sh all
# Results: tables on stdout, JSON in results/ beside this file. PyTorch is raced where python3 can import it.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
icd_folders="/etc/vulkan/icd.d /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /usr/local/nvidia/share/vulkan/icd.d"

# The first of the given files that exists, by whole path.
first_of() {
  for file in "$@"; do
    if [ -e "$file" ]; then echo "$file"; return; fi
  done
}

# Where a shared library lies outside the bundle, if it does.
library() {
  for folder in $(echo "$LD_LIBRARY_PATH" | tr ':' ' ') /usr/lib/x86_64-linux-gnu /lib/x86_64-linux-gnu /usr/lib64 /lib64 /usr/lib /usr/local/nvidia/lib64; do
    if [ -e "$folder/$1" ]; then echo "$folder/$1"; return; fi
  done
}

# The system's own Vulkan loader is at least as new as its drivers; the bundle's is for machines without one.
if [ -z "$(library libvulkan.so.1)" ]; then
  export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi

# Containers often have NVIDIA's driver without the file that tells Vulkan of it, or with it in a folder of its own.
if [ -z "$VK_ICD_FILENAMES$VK_DRIVER_FILES" ]; then
  known=$(first_of /etc/vulkan/icd.d/nvidia*.json /usr/share/vulkan/icd.d/nvidia*.json)
  elsewhere=$(first_of /usr/local/nvidia/share/vulkan/icd.d/nvidia*.json)
  if [ -z "$known" ] && [ -n "$elsewhere" ]; then
    export VK_ICD_FILENAMES="$elsewhere"
  elif [ -z "$known" ] && [ -n "$(library libGLX_nvidia.so.0)" ]; then
    # libGLX_nvidia needs X11's libraries, libEGL_nvidia does not.
    if [ -n "$(library libX11.so.6)" ]; then name=GLX; else name=EGL; fi
    export VK_ICD_FILENAMES="$here/lib/nvidia_icd_$name.json"
  fi
fi
if [ -z "$VK_ICD_FILENAMES$VK_DRIVER_FILES" ]; then
  found=
  for folder in $icd_folders; do found="$found$(first_of "$folder"/*.json)"; done
  [ -n "$found" ] || echo "No Vulkan driver was found; install one, or name its file: VK_ICD_FILENAMES=FILE.json ./bench.sh CASE" >&2
fi

GRAFT_COMMIT=$(cat "$here/COMMIT")
export GRAFT_COMMIT
if command -v python3 >/dev/null 2>&1; then torch="--torch python3"; else torch=; fi
if [ "$1" = all ]; then main=all; else main=main; fi
# What the user gives comes later and wins.
exec "$here/bin/node" "$here/bench/lib/$main.js" --engine webgpu --out "$here/results" $torch "$@"
