/* A stand-in for the plugin of the board's JPEG hardware: it has an element `nvjpegenc`, a bin around GStreamer's own
 * encoder. It takes the same pictures and has the same property `quality`; with the variable FAKE_NVJPEGENC=fails it
 * cannot be started. */
#include <gst/gst.h>
#include <string.h>

#define PACKAGE "fake-nvjpegenc"

typedef struct { GstBin bin; GstElement *inner; } Fake;
typedef struct { GstBinClass bin; } FakeClass;
G_DEFINE_TYPE(Fake, fake, GST_TYPE_BIN)

static GstStaticPadTemplate sink = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-raw, format = (string) { I420, YV12, GRAY8 }"));
static GstStaticPadTemplate src = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("image/jpeg"));

static void fake_init(Fake *self) {
  self->inner = gst_element_factory_make("jpegenc", "inner");
  gst_bin_add(GST_BIN(self), self->inner);
  GstPad *in = gst_element_get_static_pad(self->inner, "sink"), *out = gst_element_get_static_pad(self->inner, "src");
  gst_element_add_pad(GST_ELEMENT(self),
                      gst_ghost_pad_new_from_template("sink", in, gst_static_pad_template_get(&sink)));
  gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new_from_template("src", out, gst_static_pad_template_get(&src)));
  gst_object_unref(in);
  gst_object_unref(out);
}

static void set(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  g_object_set_property(G_OBJECT(((Fake *)object)->inner), "quality", value);
}

static void get(GObject *object, guint id, GValue *value, GParamSpec *spec) {
  g_object_get_property(G_OBJECT(((Fake *)object)->inner), "quality", value);
}

static GstStateChangeReturn change(GstElement *element, GstStateChange transition) {
  const char *way = g_getenv("FAKE_NVJPEGENC");
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && way && strcmp(way, "fails") == 0) {
    GST_ELEMENT_ERROR(element, RESOURCE, FAILED, ("the hardware is away"), (NULL));
    return GST_STATE_CHANGE_FAILURE;
  }
  return GST_ELEMENT_CLASS(fake_parent_class)->change_state(element, transition);
}

static void fake_class_init(FakeClass *class) {
  GObjectClass *object = G_OBJECT_CLASS(class);
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  object->set_property = set;
  object->get_property = get;
  element->change_state = change;
  g_object_class_install_property(object, 1,
                                  g_param_spec_int("quality", "quality", "0 to 100", 0, 100, 85, G_PARAM_READWRITE));
  gst_element_class_add_static_pad_template(element, &sink);
  gst_element_class_add_static_pad_template(element, &src);
  gst_element_class_set_static_metadata(element, "A stand-in", "Codec/Encoder/Image", "A stand-in", "Spotter");
}

static gboolean start(GstPlugin *plugin) {
  return gst_element_register(plugin, "nvjpegenc", GST_RANK_NONE, fake_get_type());
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, nvjpeg, "A stand-in", start, "1.0", "LGPL", "spotter",
                  "https://example.org/")
