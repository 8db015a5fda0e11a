/* The CSV importer with its maps given by another importer. */
#ifndef CALIBRATION_IMPORT_CSV_H
#define CALIBRATION_IMPORT_CSV_H

#include "calibration/import/row.h"

/* maps: n_maps of "column=name" that are tried first and may be absent from the file. */
enum status csv_import(struct import *in, const char *const *maps, size_t n_maps,
                       struct error *err);

#endif
