/* Door of the measurements: import of other tools' logs, fits and scores, the compute kernel. */
#ifndef CALIBRATION_CALIBRATION_H
#define CALIBRATION_CALIBRATION_H

#include "calibration/calibrate.h"
#include "calibration/data.h"
#include "calibration/fit.h"
#include "calibration/import.h"
#include "calibration/kernel/kernel.h"
#include "calibration/laws.h"
#include "calibration/score.h"
#include "calibration/train.h"

#endif
