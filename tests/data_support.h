/* What the tests of few-shot data share: a scratch folder, and files of every format written from
 * plain arrays with other code than the loaders use to read them. */
#ifndef TESTS_DATA_SUPPORT_H
#define TESTS_DATA_SUPPORT_H

#include "tests/support.h"

#include "calibration/data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

static const char *const OMNIGLOT = "tests/data/omniglot/images";
static const struct image_options AS_IS = {0};

struct scratch {
    char root[64];
    char path[320]; /* of the last name asked for */
};

static inline void scratch_open(struct scratch *s)
{
    snprintf(s->root, sizeof s->root, "/tmp/faascast-test-XXXXXX");
    assert_non_null(mkdtemp(s->root));
}

/* Path below the scratch folder; folders on the way are made. */
static inline const char *scratch_path(struct scratch *s, const char *name)
{
    snprintf(s->path, sizeof s->path, "%s/%s", s->root, name);
    for (char *c = s->path + strlen(s->root) + 1; (c = strchr(c, '/')) != NULL; c++) {
        *c = '\0';
        mkdir(s->path, 0777);
        *c = '/';
    }
    return s->path;
}

static inline void scratch_write(struct scratch *s, const char *name, const void *data, size_t n)
{
    FILE *const file = fopen(scratch_path(s, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static inline void scratch_close(struct scratch *s)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", s->root);
    assert_int_equal(system(command), 0);
}

static inline void write_png(struct scratch *s, const char *name, const uint8_t *pixels,
                             unsigned width, unsigned height, unsigned channels)
{
    png_image png = {.version = PNG_IMAGE_VERSION, .width = width, .height = height};
    png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    assert_true(png_image_write_to_file(&png, scratch_path(s, name), 0, pixels, 0, NULL) != 0);
}

static inline void write_jpeg(struct scratch *s, const char *name, const uint8_t *pixels,
                              unsigned width, unsigned height, int channels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    FILE *const file = fopen(scratch_path(s, name), "wb");
    assert_non_null(file);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg.comp_info[0].h_samp_factor = 1; /* no sub-sampling of colours */
    jpeg.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < height; y++) {
        uint8_t row[3 * 512];
        memcpy(row, pixels + (size_t)y * width * (size_t)channels, (size_t)channels * width);
        JSAMPROW rows = row;
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

/* A .npy of format 1.0. */
static inline size_t make_npy(uint8_t *out, const char *descr, const char *shape, const void *data,
                              size_t n)
{
    char header[256];
    const int used =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                 descr, shape);
    const size_t length = (size_t)((10 + used + 1 + 63) / 64 * 64 - 10);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (uint8_t)(length & 0xff);
    out[9] = (uint8_t)(length >> 8);
    memset(out + 10, ' ', length);
    memcpy(out + 10, header, (size_t)used);
    out[10 + length - 1] = '\n';
    memcpy(out + 10 + length, data, n);
    return 10 + length + n;
}

/* The call must fail with this status, and its message must hold these words. */
static inline void assert_refused_at(enum status status, const struct error *err,
                                     enum status expected, const char *words, const char *file,
                                     int line)
{
    char shown[1200];
    error_format(err, shown, sizeof shown);
    if (status != expected || strstr(shown, words) == NULL) {
        print_error("got '%s' (%s), expected %s with '%s'\n", shown, status_text(status),
                    status_text(expected), words);
        _fail(file, line);
    }
}
#define assert_refused(call, err, expected, words)                                                 \
    assert_refused_at((call), (err), (expected), (words), __FILE__, __LINE__)

#endif
