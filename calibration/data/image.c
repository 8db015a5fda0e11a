/* What PNG and JPEG share: telling them apart, freeing. */
#include "calibration/data/image.h"

#include <stdlib.h>

enum status image_decode(const uint8_t *data, size_t n, size_t channels, struct image *out,
                         struct error *err)
{
    if (image_is_png(data, n)) {
        return image_decode_png(data, n, channels, out, err);
    }
    if (image_is_jpeg(data, n)) {
        return image_decode_jpeg(data, n, channels, out, err);
    }
    if (n == 0) {
        return RAISE(err, ERR_INPUT, "an empty file, expected a PNG or JPEG image");
    }
    return RAISE(err, ERR_INPUT, "neither a PNG nor a JPEG image: %zu bytes that begin with 0x%02x",
                 n, data[0]);
}

void image_free(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}
