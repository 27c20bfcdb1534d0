// TensorRT behind the plain C of spotter_trt.h. Compiled from NVIDIA's headers alone, against those of the version that
// runs on the board: the order of TensorRT's virtual functions is promised for one minor version only. libnvinfer and
// libcudart are opened at run time, so neither is needed to build it.
//
// Input and output lie in memory of the host that is mapped for the graphics processor, which on a board with one memory
// for both saves two copies.
#include "spotter_trt.h"

#include <NvInferRuntime.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace {

// What TensorRT complained of last; it tells its reasons nowhere else.
class Logger : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char *text) noexcept override {
    if (severity <= Severity::kERROR) std::snprintf(last, sizeof last, "%s", text);
  }
  char last[400] = "";
};

struct Functions {
  void *(*create_runtime)(void *, int32_t);
  int32_t (*version)();
  decltype(&cudaGetErrorString) error_string;
  decltype(&cudaDeviceGetAttribute) attribute;
  decltype(&cudaStreamCreateWithFlags) stream_create;
  decltype(&cudaStreamSynchronize) stream_synchronize;
  decltype(&cudaStreamDestroy) stream_destroy;
  cudaError_t (*host_alloc)(void **, size_t, unsigned);
  cudaError_t (*device_pointer)(void **, void *, unsigned);
  decltype(&cudaFreeHost) host_free;
};

Logger logger;
Functions f;
// For good: nothing of TensorRT is taken down while the process ends.
nvinfer1::IRuntime *runtime;

int fail(char *why, size_t room, const std::string &sentence) {
  std::snprintf(why, room, "%s", sentence.c_str());
  return 1;
}

std::string reason(const char *what) {
  std::string sentence = std::string(what) + (logger.last[0] ? std::string(": ") + logger.last : "");
  logger.last[0] = 0;
  return sentence;
}

std::string cuda(const char *call, cudaError_t code) {
  return std::string(call) + " answers " + std::to_string(code) + " (" + f.error_string(code) + ")";
}

template <typename T>
bool find(void *library, const char *name, T &function) {
  return (function = reinterpret_cast<T>(dlsym(library, name))) != nullptr;
}

// A library in CUDA's folders, which the linker may not know, or wherever it does.
void *open_first(const std::string &name) {
  for (const char *folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/targets/sbsa-linux/lib/",
                             "/usr/local/cuda/targets/aarch64-linux/lib/"})
    if (void *library = dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

// Numbers in a tensor of fixed size; 0 when a side is open.
size_t numbers(const nvinfer1::Dims &dims) {
  size_t all = 1;
  for (int i = 0; i < dims.nbDims; i++) all *= dims.d[i] > 0 ? static_cast<size_t>(dims.d[i]) : 0;
  return dims.nbDims > 0 ? all : 0;
}

}  // namespace

struct spotter_trt {
  std::unique_ptr<nvinfer1::ICudaEngine> engine;
  std::unique_ptr<nvinfer1::IExecutionContext> context;
  cudaStream_t stream = nullptr;
  size_t count[2] = {0, 0};
  void *host[2] = {nullptr, nullptr};

  ~spotter_trt() {
    if (stream) f.stream_synchronize(stream);
    context.reset();
    engine.reset();
    for (void *memory : host)
      if (memory) f.host_free(memory);
    if (stream) f.stream_destroy(stream);
  }
};

int spotter_trt_abi(void) { return SPOTTER_TRT_ABI; }

int spotter_trt_open(char *version, char *device, char *why, size_t room) {
  const std::string name = "libnvinfer.so." + std::to_string(NV_TENSORRT_MAJOR);
  void *infer = open_first(name);
  if (!infer) return fail(why, room, "there is no " + name);
  void *cudart = nullptr;
  for (const char *soname : {"libcudart.so.13", "libcudart.so.12"})
    if (!cudart) cudart = open_first(soname);
  if (!cudart) return fail(why, room, "there is no libcudart.so");
  bool all = find(infer, "createInferRuntime_INTERNAL", f.create_runtime) && find(infer, "getInferLibVersion", f.version) &&
             find(cudart, "cudaGetErrorString", f.error_string) && find(cudart, "cudaDeviceGetAttribute", f.attribute) &&
             find(cudart, "cudaStreamCreateWithFlags", f.stream_create) &&
             find(cudart, "cudaStreamSynchronize", f.stream_synchronize) &&
             find(cudart, "cudaStreamDestroy", f.stream_destroy) && find(cudart, "cudaHostAlloc", f.host_alloc) &&
             find(cudart, "cudaHostGetDevicePointer", f.device_pointer) && find(cudart, "cudaFreeHost", f.host_free);
  if (!all) return fail(why, room, "a function is missing in " + name + " or libcudart.so");
  const int found = f.version();
  if (found / 100 != NV_TENSORRT_VERSION / 100)
    return fail(why, room, name + " is " + std::to_string(found / 10000) + "." + std::to_string(found / 100 % 100) +
                               ", and this shim was compiled for " + std::to_string(NV_TENSORRT_MAJOR) + "." +
                               std::to_string(NV_TENSORRT_MINOR));
  int major = 0, minor = 0, processors = 0;
  const std::pair<cudaDeviceAttr, int *> asked[] = {{cudaDevAttrComputeCapabilityMajor, &major},
                                                    {cudaDevAttrComputeCapabilityMinor, &minor},
                                                    {cudaDevAttrMultiProcessorCount, &processors}};
  for (const auto &[attribute, value] : asked)
    if (cudaError_t code = f.attribute(value, attribute, 0)) return fail(why, room, cuda("cudaDeviceGetAttribute", code));
  runtime = static_cast<nvinfer1::IRuntime *>(f.create_runtime(&logger, NV_TENSORRT_VERSION));
  if (!runtime) return fail(why, room, reason("TensorRT does not start"));
  std::snprintf(version, room, "%d.%d.%d", found / 10000, found / 100 % 100, found % 100);
  std::snprintf(device, room, "sm%d%dx%d", major, minor, processors);
  return 0;
}

int spotter_trt_load(const void *bytes, size_t length, spotter_trt **loaded, size_t *inputs, size_t *outputs, char *why,
                     size_t room) {
  std::unique_ptr<spotter_trt> made(new (std::nothrow) spotter_trt);
  if (!made) return fail(why, room, "there is no memory left");
  made->engine.reset(runtime->deserializeCudaEngine(bytes, length));
  if (!made->engine) return fail(why, room, reason("TensorRT cannot read the engine"));
  const auto &engine = *made->engine;
  if (engine.getNbIOTensors() != 2) return fail(why, room, "the engine has not one input and one output");
  made->context.reset(made->engine->createExecutionContext());
  if (!made->context) return fail(why, room, reason("TensorRT has no memory for the engine"));
  if (cudaError_t code = f.stream_create(&made->stream, cudaStreamNonBlocking))
    return fail(why, room, cuda("cudaStreamCreateWithFlags", code));
  for (int i = 0; i < 2; i++) {
    const char *name = engine.getIOTensorName(i);
    const int place = engine.getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT ? 0 : 1;
    const size_t count = numbers(engine.getTensorShape(name));
    if (engine.getTensorDataType(name) != nvinfer1::DataType::kFLOAT || count == 0 || made->host[place])
      return fail(why, room, std::string("the engine's ") + name + " is not float32 of a fixed size, or there is another");
    made->count[place] = count;
    if (cudaError_t code = f.host_alloc(&made->host[place], count * sizeof(float), cudaHostAllocMapped))
      return fail(why, room, cuda("cudaHostAlloc", code));
    void *device = nullptr;
    if (cudaError_t code = f.device_pointer(&device, made->host[place], 0))
      return fail(why, room, cuda("cudaHostGetDevicePointer", code));
    if (!made->context->setTensorAddress(name, device)) return fail(why, room, reason("TensorRT refuses the memory"));
  }
  *inputs = made->count[0];
  *outputs = made->count[1];
  *loaded = made.release();
  return 0;
}

int spotter_trt_infer(spotter_trt *loaded, const float *input, float *output, char *why, size_t room) {
  std::memcpy(loaded->host[0], input, loaded->count[0] * sizeof(float));
  if (!loaded->context->enqueueV3(loaded->stream)) return fail(why, room, reason("TensorRT cannot infer"));
  if (cudaError_t code = f.stream_synchronize(loaded->stream))
    return fail(why, room, cuda("cudaStreamSynchronize", code));
  std::memcpy(output, loaded->host[1], loaded->count[1] * sizeof(float));
  return 0;
}

void spotter_trt_free(spotter_trt *loaded) { delete loaded; }
