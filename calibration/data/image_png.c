/* PNG through libpng's simplified API (png.h, "Simplified API"): it reads every colour type and bit
 * depth, checks the CRC of each chunk and returns messages instead of jumping out.
 */
#include "calibration/data/image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

bool image_is_png(const uint8_t *data, size_t n)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return n >= sizeof signature && memcmp(data, signature, sizeof signature) == 0;
}

enum status image_decode_png(const uint8_t *data, size_t n, size_t channels, struct image *out,
                             struct error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (png_image_begin_read_from_memory(&png, data, n) == 0) {
        return RAISE(err, ERR_INPUT, "damaged or truncated PNG: %s", png.message);
    }
    const size_t pixels = (size_t)png.width * png.height;
    if (pixels == 0 || pixels > IMAGE_PIXELS_MAX) {
        const enum status status =
            RAISE(err, ERR_INPUT, "PNG of %lu x %lu pixels, expected at most %zu pixels",
                  (unsigned long)png.width, (unsigned long)png.height, IMAGE_PIXELS_MAX);
        png_image_free(&png);
        return status;
    }
    const bool grey = channels == 1 || (channels == 0 && (png.format & PNG_FORMAT_FLAG_COLOR) == 0);
    png.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    const size_t planes = grey ? 1 : 3;
    uint8_t *const buffer = malloc(pixels * planes);
    if (buffer == NULL) {
        png_image_free(&png);
        return RAISE(err, ERR_MEMORY, "no memory for a PNG of %zu pixels", pixels);
    }
    const png_color white = {255, 255, 255};
    if (png_image_finish_read(&png, &white, buffer, 0, NULL) == 0) {
        free(buffer);
        return RAISE(err, ERR_INPUT, "damaged or truncated PNG: %s", png.message);
    }
    *out = (struct image){
        .width = png.width, .height = png.height, .channels = planes, .pixels = buffer};
    return STATUS_OK;
}
