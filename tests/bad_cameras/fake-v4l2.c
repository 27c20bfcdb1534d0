/* A stand-in for V4L2 cameras, put before the C library with LD_PRELOAD: no driver is there, and no kernel is changed.
 *
 * FAKE_V4L2 names a folder. Each file NAME in it is a camera /dev/fake-cameras/NAME that is plugged in for as long as the file is
 * there; its text says, anew at each request, how the camera behaves: words of the form key=value.
 *
 *   size=320x240  fps=15  luma=100      what it gives: YUYV of one grey
 *   jpeg=PATH                           or this file's bytes, as MJPEG; cut=N: only the first N of them
 *   REQUEST=ERROR                       that request fails: querycap, s_fmt, s_parm, reqbufs, querybuf, streamon, qbuf, dqbuf; the
 *                                       error is a number of errno
 *   take=WIDTHxHEIGHT:STRIDE:FOURCC     what S_FMT says it took, whatever was asked
 *   buffers=N  length=N                 what REQBUFS and QUERYBUF say
 *   used=N  index=N  damaged=1          what DQBUF says
 *   stamp=back|zero|future|past         the clock of its pictures
 *   wait=never|storm|flood|hangup       no picture ever; it says "ready" and then "not now"; there is always one more; poll says "hung up"
 *   lists=endless                       ENUM_* never say "no more"
 *
 * NAME.asked beside it is for the test: 8 bytes, how often DQBUF was asked. Only what Spotter uses is here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "/dev/fake-cameras/"
#define CAMERAS 128

struct camera {
  int fd, memory, asked_fd;
  char name[64];
  unsigned width, height, count, length, given;
  unsigned long long asked;
};

static struct camera cameras[CAMERAS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The kernel itself, past every function of the C library that this file replaces. */
static long kernel(long number, long a, long b, long c, long d, long e, long f)
{
  static long (*real)(long, ...);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  return real(number, a, b, c, d, e, f);
}

static int refuse(int why)
{
  errno = why;
  return -1;
}

/* ---- what the file says ---- */

/* The file's text; 0 when the camera is not plugged in. */
static int text_of(const char *name, char *text, size_t room)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", getenv("FAKE_V4L2"), name);
  int file = (int)kernel(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
  if (file < 0)
    return 0;
  long length = kernel(SYS_read, file, (long)text, (long)room - 1, 0, 0, 0);
  kernel(SYS_close, file, 0, 0, 0, 0, 0);
  text[length > 0 ? length : 0] = 0;
  return 1;
}

/* The value of a word; 0 when there is none. */
static const char *word(const char *text, const char *key)
{
  size_t length = strlen(key);
  for (const char *at = text; (at = strstr(at, key)); at += length)
    if ((at == text || at[-1] == ' ') && at[length] == '=')
      return at + length + 1;
  return NULL;
}

static long number(const char *text, const char *key, long otherwise)
{
  const char *value = word(text, key);
  return value ? strtol(value, NULL, 10) : otherwise;
}

static int says(const char *text, const char *key, const char *value)
{
  const char *found = word(text, key);
  return found && !strncmp(found, value, strlen(value));
}

/* ---- opening, asking, closing ---- */

static const char *camera_name(const char *path)
{
  return getenv("FAKE_V4L2") && path && !strncmp(path, PREFIX, strlen(PREFIX)) ? path + strlen(PREFIX) : NULL;
}

static struct camera *camera_of(long fd)
{
  for (int i = 0; fd > 0 && i < CAMERAS; i++)
    if (cameras[i].fd == fd)
      return &cameras[i];
  return NULL;
}

static int open_camera(const char *name)
{
  char text[512], asked[512];
  if (!text_of(name, text, sizeof text))
    return refuse(ENOENT);
  struct camera *camera = NULL;
  for (int i = 0; !camera && i < CAMERAS; i++)
    if (!cameras[i].fd)
      camera = &cameras[i];
  if (!camera)
    return refuse(EMFILE);
  memset(camera, 0, sizeof *camera);
  snprintf(camera->name, sizeof camera->name, "%s", name);
  snprintf(asked, sizeof asked, "%s/%s.asked", getenv("FAKE_V4L2"), name);
  camera->memory = memfd_create("pictures", MFD_CLOEXEC);
  camera->asked_fd = (int)kernel(SYS_openat, AT_FDCWD, (long)asked, O_RDWR | O_CREAT | O_CLOEXEC, 0600, 0, 0);
  if (pread(camera->asked_fd, &camera->asked, sizeof camera->asked, 0) < 0)
    camera->asked = 0;
  camera->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  return camera->fd;
}

static int opens(const char *path, int flags, mode_t mode)
{
  const char *name = camera_name(path);
  if (!name)
    return (int)kernel(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
  pthread_mutex_lock(&lock);
  int fd = open_camera(name);
  pthread_mutex_unlock(&lock);
  return fd;
}

int open(const char *path, int flags, ...)
{
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opens(path, flags, mode);
}

// A file's size is as wide in both.
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of(fd);
  if (camera) {
    kernel(SYS_close, camera->memory, 0, 0, 0, 0, 0);
    kernel(SYS_close, camera->asked_fd, 0, 0, 0, 0, 0);
    camera->fd = 0;
  }
  pthread_mutex_unlock(&lock);
  return (int)kernel(SYS_close, fd, 0, 0, 0, 0, 0);
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *out)
{
  const char *name = camera_name(path);
  pthread_mutex_lock(&lock);
  int open_one = !*path && camera_of(folder) != NULL;
  pthread_mutex_unlock(&lock);
  if (!name && !open_one)
    return (int)kernel(SYS_statx, folder, (long)path, flags, mask, (long)out, 0);
  char text[512];
  if (name && !text_of(name, text, sizeof text))
    return refuse(ENOENT);
  memset(out, 0, sizeof *out);
  out->stx_mask = STATX_BASIC_STATS;
  out->stx_mode = S_IFCHR | 0600;
  return 0;
}

static void *maps(void *at, size_t length, int prot, int flags, int fd, long offset)
{
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of(fd);
  int file = camera ? camera->memory : fd;
  pthread_mutex_unlock(&lock);
  return (void *)kernel(SYS_mmap, (long)at, (long)length, prot, flags, file, offset);
}

void *mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
  return maps(at, length, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int prot, int flags, int fd, off64_t offset)
{
  return maps(at, length, prot, flags, fd, offset);
}

/* ---- the requests ---- */

static int fourcc_of(const char *text)
{
  return word(text, "jpeg") ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
}

static void size_of(const char *text, unsigned *width, unsigned *height)
{
  const char *size = word(text, "size");
  if (!size || sscanf(size, "%ux%u", width, height) != 2)
    *width = 320, *height = 240;
}

static int takes_format(struct camera *camera, const char *text, struct v4l2_pix_format *pix)
{
  size_of(text, &camera->width, &camera->height);
  pix->width = camera->width, pix->height = camera->height;
  pix->pixelformat = fourcc_of(text);
  pix->bytesperline = word(text, "jpeg") ? 0 : camera->width * 2;
  pix->sizeimage = camera->width * camera->height * 2;
  const char *other = word(text, "take");
  char fourcc[5] = "";
  if (other && sscanf(other, "%ux%u:%u:%4s", &pix->width, &pix->height, &pix->bytesperline, fourcc) == 4)
    memcpy(&pix->pixelformat, fourcc, 4);
  return 0;
}

static int gives_buffers(struct camera *camera, const char *text, struct v4l2_requestbuffers *request)
{
  if (request->count)
    request->count = (unsigned)number(text, "buffers", request->count);
  camera->count = request->count;
  /* Some room behind the picture, as drivers have it that round up. */
  camera->length = (camera->width * camera->height * 2 + 65536 + 4095) / 4096 * 4096;
  long size = (long)camera->count * camera->length;
  return size ? ftruncate(camera->memory, size) : 0;
}

static int lists(const char *text, unsigned index)
{
  return index == 0 || says(text, "lists", "endless");
}

static int enumerates(const char *text, unsigned long request, void *out)
{
  unsigned width, height;
  size_of(text, &width, &height);
  if (request == VIDIOC_ENUM_FMT) {
    struct v4l2_fmtdesc *entry = out;
    entry->pixelformat = fourcc_of(text);
    return lists(text, entry->index) ? 0 : refuse(EINVAL);
  }
  if (request == VIDIOC_ENUM_FRAMESIZES) {
    struct v4l2_frmsizeenum *entry = out;
    entry->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    entry->discrete.width = width, entry->discrete.height = height;
    return lists(text, entry->index) ? 0 : refuse(EINVAL);
  }
  struct v4l2_frmivalenum *entry = out;
  entry->type = V4L2_FRMIVAL_TYPE_DISCRETE;
  entry->discrete.numerator = 1, entry->discrete.denominator = (unsigned)number(text, "fps", 15);
  return lists(text, entry->index) ? 0 : refuse(EINVAL);
}

static void ticks(struct camera *camera, const char *text)
{
  long fps = number(text, "fps", 15);
  long span_ns = fps > 0 && !says(text, "wait", "never") ? 1000000000L / fps : 0;
  struct itimerspec times = {{0, span_ns}, {0, span_ns}};
  if (fps == 1)
    times.it_interval = times.it_value = (struct timespec){1, 0};
  timerfd_settime(camera->fd, 0, &times, NULL);
}

/* Puts a picture into its buffer; how many bytes it has. */
static unsigned draw(struct camera *camera, const char *text, unsigned index)
{
  static unsigned char picture[1 << 20];
  const char *jpeg = word(text, "jpeg");
  unsigned length = camera->width * camera->height * 2;
  if (jpeg) {
    char path[512];
    sscanf(jpeg, "%511s", path);
    int file = (int)kernel(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long read_bytes = kernel(SYS_read, file, (long)picture, sizeof picture, 0, 0, 0);
    kernel(SYS_close, file, 0, 0, 0, 0, 0);
    length = read_bytes > 0 ? (unsigned)read_bytes : 0;
    length = (unsigned)number(text, "cut", length);
  } else {
    unsigned char luma = (unsigned char)number(text, "luma", 100);
    for (unsigned i = 0; i < length && i < sizeof picture; i++)
      picture[i] = i % 2 ? 128 : luma;
  }
  if (pwrite(camera->memory, picture, length, (long)index * camera->length) < 0)
    return 0;
  return length;
}

static struct timeval stamp_of(struct camera *camera, const char *text)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct timeval stamp = {now.tv_sec, now.tv_nsec / 1000};
  if (says(text, "stamp", "back"))
    stamp.tv_usec = 0, stamp.tv_sec -= camera->given % 50;
  if (says(text, "stamp", "past"))
    stamp.tv_sec = 1;
  if (says(text, "stamp", "future"))
    stamp.tv_sec += 3600;
  if (says(text, "stamp", "zero"))
    stamp.tv_sec = stamp.tv_usec = 0;
  return stamp;
}

static int gives_picture(struct camera *camera, const char *text, struct v4l2_buffer *buffer)
{
  camera->asked++;
  if (pwrite(camera->asked_fd, &camera->asked, sizeof camera->asked, 0) < 0)
    return refuse(EIO);
  if (says(text, "wait", "hangup")) {
    /* The other end of this pipe is closed at once. */
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0) {
      dup3(ends[0], camera->fd, O_CLOEXEC);
      kernel(SYS_close, ends[0], 0, 0, 0, 0, 0);
      kernel(SYS_close, ends[1], 0, 0, 0, 0, 0);
    }
  }
  unsigned long long ticked;
  if (says(text, "wait", "storm"))
    return refuse(EAGAIN);
  if (!says(text, "wait", "flood") && read(camera->fd, &ticked, sizeof ticked) < (long)sizeof ticked)
    return refuse(EAGAIN);
  if (says(text, "wait", "never")) {
    ticks(camera, text);
    return refuse(EAGAIN);
  }
  buffer->index = camera->given++ % (camera->count ? camera->count : 1);
  buffer->bytesused = draw(camera, text, buffer->index);
  buffer->bytesused = (unsigned)number(text, "used", buffer->bytesused);
  buffer->index = (unsigned)number(text, "index", buffer->index);
  buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (word(text, "damaged") ? V4L2_BUF_FLAG_ERROR : 0);
  buffer->timestamp = stamp_of(camera, text);
  return 0;
}

static const struct {
  unsigned long request;
  const char *key;
} failing[] = {
 {VIDIOC_QUERYCAP, "querycap"}, {VIDIOC_S_FMT, "s_fmt"},  {VIDIOC_S_PARM, "s_parm"}, {VIDIOC_REQBUFS, "reqbufs"},
 {VIDIOC_QUERYBUF, "querybuf"}, {VIDIOC_STREAMON, "streamon"}, {VIDIOC_QBUF, "qbuf"},  {VIDIOC_DQBUF, "dqbuf"},
};

static int answers(struct camera *camera, unsigned long request, void *argument)
{
  char text[512];
  if (!text_of(camera->name, text, sizeof text))
    return refuse(ENODEV);
  for (size_t i = 0; i < sizeof failing / sizeof *failing; i++)
    if (failing[i].request == request && word(text, failing[i].key))
      return refuse((int)number(text, failing[i].key, EIO));
  switch (request) {
  case VIDIOC_QUERYCAP: {
    struct v4l2_capability *caps = argument;
    snprintf((char *)caps->driver, sizeof caps->driver, "fake");
    snprintf((char *)caps->card, sizeof caps->card, "Fake %.20s", camera->name);
    snprintf((char *)caps->bus_info, sizeof caps->bus_info, "platform:%.20s", camera->name);
    caps->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    return 0;
  }
  case VIDIOC_ENUM_FMT:
  case VIDIOC_ENUM_FRAMESIZES:
  case VIDIOC_ENUM_FRAMEINTERVALS:
    return enumerates(text, request, argument);
  case VIDIOC_S_FMT:
    return takes_format(camera, text, &((struct v4l2_format *)argument)->fmt.pix);
  case VIDIOC_REQBUFS:
    return gives_buffers(camera, text, argument);
  case VIDIOC_QUERYBUF: {
    struct v4l2_buffer *buffer = argument;
    buffer->length = (unsigned)number(text, "length", camera->length);
    buffer->m.offset = buffer->index * camera->length;
    return 0;
  }
  case VIDIOC_DQBUF:
    return gives_picture(camera, text, argument);
  case VIDIOC_STREAMON:
    ticks(camera, text);
    return 0;
  case VIDIOC_QBUF:
    return ((struct v4l2_buffer *)argument)->index < camera->count ? 0 : refuse(EINVAL);
  case VIDIOC_S_PARM:
  case VIDIOC_STREAMOFF:
    return 0;
  default:
    return refuse(ENOTTY);
  }
}

/* The program's ioctl is made by way of this function. */
long syscall(long number, ...)
{
  va_list more;
  va_start(more, number);
  long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
  long d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
  va_end(more);
  if (number != SYS_ioctl)
    return kernel(number, a, b, c, d, e, f);
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of((int)a);
  int answer = camera ? answers(camera, (unsigned)b, (void *)c) : 0;
  int why = errno;
  pthread_mutex_unlock(&lock);
  errno = why;
  return camera ? answer : kernel(number, a, b, c, d, e, f);
}
