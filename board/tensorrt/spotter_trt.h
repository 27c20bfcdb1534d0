/* What the box asks of TensorRT, as plain C, so that the program itself is built without any of NVIDIA's headers or
 * libraries. `shim.cpp` answers it with the real TensorRT; tests answer it with a stand-in. Every function that can fail
 * returns 0 when all is well, else something else with one sentence in `why`, which has room for `room` bytes.
 * A handle may be used by one thread at a time. */
#ifndef SPOTTER_TRT_H
#define SPOTTER_TRT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when anything below changes. */
#define SPOTTER_TRT_ABI 1

typedef struct spotter_trt spotter_trt;

int spotter_trt_abi(void);

/* Opens TensorRT and CUDA for good. `version` becomes such as "10.3.0", `device` what an engine is bound to of the
 * graphics processor, its compute capability and number of multiprocessors, such as "sm87x8"; both have room for `room`
 * bytes too. */
int spotter_trt_open(char *version, char *device, char *why, size_t room);

/* Loads an engine with one input and one output of float32 and fixed sizes; tells how many numbers each has. */
int spotter_trt_load(const void *engine, size_t bytes, spotter_trt **loaded, size_t *inputs, size_t *outputs, char *why,
                     size_t room);

/* One answer. Both arrays have as many numbers as spotter_trt_load told. */
int spotter_trt_infer(spotter_trt *loaded, const float *input, float *output, char *why, size_t room);

/* Gives everything back. */
void spotter_trt_free(spotter_trt *loaded);

#ifdef __cplusplus
}
#endif
#endif
