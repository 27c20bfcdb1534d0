/* A stand-in for the CUDA runtime: its functions by their own names and signatures (cuda_runtime_api.h of CUDA 12).
 * Host memory has a second address for the "device", as a mapping of the same pages. */
#include "fake.h"
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORIES 64
static struct { void *host, *device; size_t size; } memories[MEMORIES];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/* The place of the memory that the program sees there, or of a free one. */
static int place(void *host) {
  for (int i = 0; i < MEMORIES; i++)
    if (memories[i].host == host) return i;
  return -1;
}

const char *cudaGetErrorString(int code) {
  switch (code) {
    case 2: return "out of memory";
    case 35: return "CUDA driver version is insufficient for CUDA runtime version";
    case 100: return "no CUDA-capable device is detected";
    default: return "a made-up error";
  }
}

int cudaGetDeviceCount(int *count) {
  MAY_FAIL
  *count = ordered("no_device") ? 0 : 1;
  return 0;
}

int cudaSetDeviceFlags(unsigned flags) {
  MAY_FAIL
  tell("cudaSetDeviceFlags %u", flags);
  return 0;
}

int cudaStreamCreateWithFlags(void **stream, unsigned flags) {
  MAY_FAIL
  *stream = make("stream");
  tell("cudaStreamCreateWithFlags %u", flags);
  return 0;
}

int cudaStreamSynchronize(void *stream) {
  MAY_FAIL
  return stream ? 0 : 400;
}

int cudaStreamDestroy(void *stream) {
  MAY_FAIL
  return destroy("stream", stream);
}

int cudaHostAlloc(void **host, size_t size, unsigned flags) {
  MAY_FAIL
  int file = memfd_create("memory", 0);
  if (ftruncate(file, size)) return 2;
  pthread_mutex_lock(&guard);
  int i = place(0);
  if (i >= 0) {
    memories[i].host = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    memories[i].device = mmap(0, size, PROT_READ, MAP_SHARED, file, 0);
    memories[i].size = size;
    *host = memories[i].host;
  }
  pthread_mutex_unlock(&guard);
  close(file);
  if (i < 0) return 2;
  tell("+ memory %p", *host);
  tell("cudaHostAlloc %zu %u", size, flags);
  return 0;
}

int cudaHostGetDevicePointer(void **device, void *host, unsigned flags) {
  MAY_FAIL
  if (!host || flags) return 1;
  pthread_mutex_lock(&guard);
  int i = place(host);
  if (i >= 0) *device = memories[i].device;
  pthread_mutex_unlock(&guard);
  if (i < 0) return 1;
  tell("device %p", *device);
  return 0;
}

int cudaFreeHost(void *host) {
  MAY_FAIL
  if (!host) return 1;
  pthread_mutex_lock(&guard);
  int i = place(host);
  if (i >= 0) {
    munmap(memories[i].host, memories[i].size);
    munmap(memories[i].device, memories[i].size);
    memories[i].host = 0;
  }
  pthread_mutex_unlock(&guard);
  if (i < 0) return 1;
  tell("- memory %p", host);
  return 0;
}
