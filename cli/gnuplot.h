/* gnuplot as a process: no shell, a time limit, private files. */
#ifndef CLI_GNUPLOT_H
#define CLI_GNUPLOT_H

#include "model/base/base.h"

enum picture_format { PICTURE_SVG, PICTURE_PNG, PICTURE_PDF };

/* A picture to draw: the script is `header`, then plots/common.gp, then plots/`kind`.gp; it finds
 * the table in the file its variable `data` names and writes the file `output`. */
struct picture {
    const char *kind;
    struct text header; /* gnuplot assignments: texts and counts of this picture */
    struct text data;   /* CSV, numbers only, columns by name */
};
void picture_free(struct picture *p);

/* The script that draws p from a table in `data_name` into `output_name`. ERR_IO without the
 * scripts of plots_dir. */
enum status picture_script(const struct picture *p, const char *plots_dir, enum picture_format f,
                           const char *data_name, const char *output_name, struct text *out,
                           struct error *err);
/* Runs gnuplot (found by PATH, 5.4 or newer) in a folder of its own that is removed again; gives
 * the bytes of the picture. ERR_EXTERNAL: missing, too old, failing, or over the limit. */
enum status picture_draw(const struct picture *p, const char *plots_dir, enum picture_format f,
                         double limit_s, struct text *out, struct error *err);

#endif
