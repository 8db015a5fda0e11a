/* JPEG through libjpeg. The library reports fatal errors through a callback that must not return,
 * hence the jump; a file cut short is only a warning to it (the rest is painted grey), which
 * would give wrong pixels in silence, so that warnings of damaged data fail here as well.
 */
#include "calibration/data/image.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* jpeglib.h needs size_t and FILE before it. */
#include <jerror.h>
#include <jpeglib.h>

struct jpeg_failure {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
};

static void jpeg_fail(j_common_ptr jpeg)
{
    struct jpeg_failure *const failure = (struct jpeg_failure *)jpeg->err;
    failure->manager.format_message(jpeg, failure->message);
    longjmp(failure->jump, 1);
}

/* Level -1 is a warning. Three of them say nothing about the pixels. */
static void jpeg_message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    const bool harmless =
        code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_TOO_MUCH_DATA;
    if (level < 0 && !harmless) {
        jpeg_fail(jpeg);
    }
}

static void jpeg_silent(j_common_ptr jpeg)
{
    (void)jpeg; /* the default would print to stderr */
}

bool image_is_jpeg(const uint8_t *data, size_t n)
{
    return n >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

/* Everything that libjpeg may jump out of; `*pixels` is set before rows are read, so that the
 * caller can free it after a jump. */
static enum status jpeg_read(struct jpeg_decompress_struct *jpeg, size_t channels,
                             struct image *out, uint8_t *volatile *pixels, struct error *err)
{
    jpeg_read_header(jpeg, TRUE);
    const size_t count = (size_t)jpeg->image_width * jpeg->image_height;
    if (count == 0 || count > IMAGE_PIXELS_MAX) {
        return RAISE(err, ERR_INPUT, "JPEG of %u x %u pixels, expected at most %zu pixels",
                     jpeg->image_width, jpeg->image_height, IMAGE_PIXELS_MAX);
    }
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK) {
        return RAISE(err, ERR_INPUT, "JPEG in CMYK colours, expected grey or RGB");
    }
    const bool grey = channels == 1 || (channels == 0 && jpeg->jpeg_color_space == JCS_GRAYSCALE);
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW; /* the exact integer transform: same pixels on every machine */
    jpeg_start_decompress(jpeg);
    const size_t planes = grey ? 1 : 3;
    const size_t row_bytes = planes * jpeg->output_width;
    uint8_t *const buffer = malloc(row_bytes * jpeg->output_height);
    if (buffer == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for a JPEG of %zu pixels", count);
    }
    *pixels = buffer;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = buffer + row_bytes * jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    *out = (struct image){.width = jpeg->output_width,
                          .height = jpeg->output_height,
                          .channels = planes,
                          .pixels = buffer};
    return STATUS_OK;
}

enum status image_decode_jpeg(const uint8_t *data, size_t n, size_t channels, struct image *out,
                              struct error *err)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_failure failure;
    uint8_t *volatile pixels = NULL; /* written between setjmp and a possible longjmp */
    jpeg.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = jpeg_fail;
    failure.manager.emit_message = jpeg_message;
    failure.manager.output_message = jpeg_silent;
    jpeg_create_decompress(&jpeg);
    if (setjmp(failure.jump) != 0) {
        jpeg_destroy_decompress(&jpeg);
        free(pixels);
        return RAISE(err, ERR_INPUT, "damaged or truncated JPEG: %s", failure.message);
    }
    jpeg_mem_src(&jpeg, data, (unsigned long)n);
    const enum status status = jpeg_read(&jpeg, channels, out, &pixels, err);
    if (status != STATUS_OK) {
        free(pixels);
    }
    jpeg_destroy_decompress(&jpeg);
    return status;
}
