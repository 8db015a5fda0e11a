/* One picture in memory: decoding of PNG and JPEG. Inner header of calibration/data.
 *
 * Pixels are 8-bit, rows of interleaved channels (grey or RGB), as the file formats hold them;
 * the image store turns them into planes.
 */
#ifndef CALIBRATION_DATA_IMAGE_H
#define CALIBRATION_DATA_IMAGE_H

#include "model/base/base.h"

struct image {
    size_t width, height, channels; /* channels: 1 (grey) or 3 (RGB) */
    uint8_t *pixels;                /* height * width * channels; malloc'd */
};

/* Pictures above this many pixels are refused before memory is taken for them: the largest photos
 * of few-shot data are below 10 megapixels, and a small file can claim any size. */
#define IMAGE_PIXELS_MAX ((size_t)64 << 20)

/* Decode a PNG or a JPEG, told apart by their first bytes.
 *
 * Takes:   n bytes of a file; channels 0 (grey stays grey, anything else becomes RGB), 1 or 3.
 *          A transparent PNG is laid over white; 16-bit samples are reduced to 8.
 * Owns:    caller frees *out with image_free().
 * Errors:  ERR_INPUT for truncated or damaged files, other formats, too many pixels; ERR_MEMORY.
 */
enum status image_decode(const uint8_t *data, size_t n, size_t channels, struct image *out,
                         struct error *err);
enum status image_decode_png(const uint8_t *data, size_t n, size_t channels, struct image *out,
                             struct error *err);
enum status image_decode_jpeg(const uint8_t *data, size_t n, size_t channels, struct image *out,
                              struct error *err);
bool image_is_png(const uint8_t *data, size_t n);
bool image_is_jpeg(const uint8_t *data, size_t n);
void image_free(struct image *image);

#endif
