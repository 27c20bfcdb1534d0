/* A stand-in for the shim of board/tensorrt, with its functions by their own names. Its engines are texts, "FAKE VERSION
 * INPUTS OUTPUTS"; the answer is the input's first numbers. The orders "no_gpu 1", "abi N" and "minor N" (of version
 * 10.N.0) are those of fake.h. */
#include "fake.h"
#include "../../board/tensorrt/spotter_trt.h"

struct spotter_trt { size_t inputs, outputs; };

int spotter_trt_abi(void) { return ordered("abi") ? ordered("abi") : SPOTTER_TRT_ABI; }

int spotter_trt_open(char *version, char *device, char *why, size_t room) {
  if (ordered("no_gpu")) {
    snprintf(why, room, "cudaDeviceGetAttribute answers 100\n(no CUDA-capable device is detected)");
    return 1;
  }
  snprintf(version, room, "10.%d.0", ordered("minor") ? ordered("minor") : 3);
  snprintf(device, room, "sm87x8");
  return 0;
}

int spotter_trt_load(const void *engine, size_t bytes, spotter_trt **loaded, size_t *inputs, size_t *outputs, char *why,
                     size_t room) {
  char text[128] = "", version[32] = "", own[32], device[32];
  memcpy(text, engine, bytes < 127 ? bytes : 127);
  spotter_trt_open(own, device, why, 32);
  if (sscanf(text, "FAKE %31s %zu %zu", version, inputs, outputs) != 3 || strcmp(version, own)) {
    snprintf(why, room, "TensorRT cannot read the engine: it is of version \"%s\"", version);
    return 1;
  }
  *loaded = malloc(sizeof **loaded);
  (*loaded)->inputs = *inputs;
  (*loaded)->outputs = *outputs;
  tell("+ engine %p", (void *)*loaded);
  return 0;
}

int spotter_trt_infer(spotter_trt *loaded, const float *input, float *output, char *why, size_t room) {
  if (ordered("infer")) {
    snprintf(why, room, "TensorRT cannot infer");
    return 1;
  }
  memcpy(output, input, loaded->outputs * sizeof(float));
  return 0;
}

void spotter_trt_free(spotter_trt *loaded) { destroy("engine", loaded); }
