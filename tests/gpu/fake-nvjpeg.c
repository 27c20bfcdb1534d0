/* A stand-in for CUDA's nvJPEG: its functions by their own names and signatures (nvjpeg.h of CUDA 12). It encodes what
 * it is handed, plane by plane and row by row as the pitches say, by the system's libjpeg. */
#include "fake.h"
#include <jpeglib.h>

typedef struct { unsigned char *channel[4]; size_t pitch[4]; } nvjpegImage_t;

/* What a params and a state hold; a thread has one encoder at a time in a test. */
static _Thread_local int quality = 75, sampling = 0;
static _Thread_local unsigned char *jpeg = 0;
static _Thread_local unsigned long jpeg_length = 0;

int nvjpegGetProperty(int property, int *value) {
  MAY_FAIL
  *value = (int[]){12, 4, 7}[property];
  return 0;
}

int nvjpegCreateEx(int backend, void *device, void *pinned, unsigned flags, void **handle) {
  MAY_FAIL
  tell("nvjpegCreateEx %d %d %d %u", backend, device != 0, pinned != 0, flags);
  *handle = make("handle");
  return 0;
}

int nvjpegDestroy(void *handle) { return destroy("handle", handle); }

int nvjpegEncoderStateCreate(void *handle, void **state, void *stream) {
  MAY_FAIL
  if (!handle || !stream) return 2;
  *state = make("state");
  return 0;
}

int nvjpegEncoderStateDestroy(void *state) { return destroy("state", state); }

int nvjpegEncoderParamsCreate(void *handle, void **params, void *stream) {
  MAY_FAIL
  if (!handle || !stream) return 2;
  *params = make("params");
  return 0;
}

int nvjpegEncoderParamsDestroy(void *params) { return destroy("params", params); }

int nvjpegEncoderParamsSetQuality(void *params, int value, void *stream) {
  MAY_FAIL
  if (!params || !stream || value < 1 || value > 100) return 2;
  quality = value;
  tell("quality %d", value);
  return 0;
}

int nvjpegEncoderParamsSetSamplingFactors(void *params, int value, void *stream) {
  MAY_FAIL
  if (!params || !stream) return 2;
  sampling = value;
  tell("sampling %d", value);
  return 0;
}

/* Rows of a plane from `first` on; beyond the last the last again. The edge to the right is filled by a copy. */
static void rows(JSAMPROW *to, unsigned char *room, int count, int first, const unsigned char *from, size_t pitch,
                 int width, int height, int padded) {
  for (int i = 0; i < count; i++) {
    const unsigned char *row = from + pitch * (first + i < height ? first + i : height - 1);
    to[i] = room + (size_t)i * padded;
    memcpy(to[i], row, width);
    memset(to[i] + width, row[width - 1], padded - width);
  }
}

static void encode(const nvjpegImage_t *image, int grey, int width, int height) {
  struct jpeg_compress_struct c;
  struct jpeg_error_mgr errors;
  c.err = jpeg_std_error(&errors);
  jpeg_create_compress(&c);
  free(jpeg);
  jpeg = 0;
  jpeg_mem_dest(&c, &jpeg, &jpeg_length);
  c.image_width = width;
  c.image_height = height;
  c.input_components = grey ? 1 : 3;
  c.in_color_space = grey ? JCS_GRAYSCALE : JCS_YCbCr;
  jpeg_set_defaults(&c);
  jpeg_set_quality(&c, ordered("coarse") ? 1 : quality, TRUE);
  c.raw_data_in = TRUE;
  if (!grey) c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 2;
  jpeg_start_compress(&c, TRUE);
  int padded = (width + 31) / 32 * 32, half = (width + 1) / 2, half_rows = (height + 1) / 2;
  int lines = grey ? 8 : 16, swap = ordered("swapped");
  unsigned char *room = malloc((size_t)padded * 32);
  while (c.next_scanline < c.image_height) {
    JSAMPROW y[16], u[8], v[8];
    JSAMPARRAY planes[3] = {y, u, v};
    int first = c.next_scanline;
    rows(y, room, lines, first, image->channel[0], image->pitch[0], width, height, padded);
    if (!grey) {
      rows(u, room + 16 * padded, 8, first / 2, image->channel[1 + swap], image->pitch[1], half, half_rows, padded / 2);
      rows(v, room + 24 * padded, 8, first / 2, image->channel[2 - swap], image->pitch[2], half, half_rows, padded / 2);
    }
    jpeg_write_raw_data(&c, planes, lines);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  free(room);
}

int nvjpegEncodeYUV(void *handle, void *state, void *params, const nvjpegImage_t *image, int css, int width, int height,
                    void *stream) {
  MAY_FAIL
  if (!handle || !state || !params || !stream || css != sampling) return 2;
  tell("encode css %d %dx%d pitch %zu %zu %zu at %p +%td +%td", css, width, height, image->pitch[0], image->pitch[1],
       image->pitch[2], (void *)image->channel[0], image->channel[1] ? image->channel[1] - image->channel[0] : 0,
       image->channel[2] ? image->channel[2] - image->channel[0] : 0);
  encode(image, css == 6, width, height);
  return 0;
}

int nvjpegEncodeRetrieveBitstream(void *handle, void *state, unsigned char *to, size_t *length, void *stream) {
  MAY_FAIL
  if (!handle || !state || !stream || !jpeg) return 2;
  if (to && *length < jpeg_length) return 2;
  *length = ordered("length") ? (size_t)ordered("length") : jpeg_length;
  if (to) memcpy(to, jpeg, jpeg_length);
  return 0;
}
