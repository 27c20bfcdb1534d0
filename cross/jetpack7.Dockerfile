# Where `cross` builds for JetPack 7: Ubuntu 24.04 as the board has it, so that no symbol of glibc is newer than the board's, with
# the arm64 libraries beside the host's own. Nothing of NVIDIA's is in it: what the box uses of CUDA and TensorRT it opens when it
# starts, and TensorRT's shim is compiled on the board (make tensorrt-shim).
#
# The compiler is the host's, which cross brings along. Not built yet anywhere: its lines were read by shellcheck, and its packages
# held against what others install in the same Ubuntu for the same purpose.
FROM ubuntu:24.04

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive
ARG CROSS_DEB_ARCH=arm64

# Ubuntu keeps arm64 on another server, so each line says which architecture it is for.
RUN rm -f /etc/apt/sources.list.d/ubuntu.sources; \
    for suite in noble noble-updates noble-security; do \
      echo "deb [arch=amd64] http://archive.ubuntu.com/ubuntu $suite main universe"; \
      echo "deb [arch=arm64] http://ports.ubuntu.com/ubuntu-ports $suite main universe"; \
    done >/etc/apt/sources.list; \
    dpkg --add-architecture "$CROSS_DEB_ARCH"

RUN apt-get update; \
    apt-get install --yes --no-install-recommends \
      ca-certificates gcc g++ libc6-dev make cmake nasm pkg-config libclang-dev \
      gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross binutils "libc6-dev:$CROSS_DEB_ARCH" \
      "libgstreamer1.0-dev:$CROSS_DEB_ARCH" "libgstreamer-plugins-base1.0-dev:$CROSS_DEB_ARCH"; \
    rm -rf /var/lib/apt/lists/*

# PKG_CONFIG_LIBDIR, not _PATH: what is the host's must not be found.
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++ \
    PKG_CONFIG_ALLOW_CROSS=1 \
    PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
