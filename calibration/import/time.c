/* Calendar times of log lines -> Unix seconds, without the C library's locale and time zone. */
#include "calibration/import/row.h"

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar: Howard Hinnant,
 * "chrono-compatible low-level date algorithms", days_from_civil. */
static int64_t time_days(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t of_era = year - era * 400;
    const int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Exactly `count` digits, or -1. */
static int digits(const char *s, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return -1;
        }
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

size_t time_iso8601(const char *s, size_t n, double *unix_s)
{
    if (n < 19 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != ' ') || s[13] != ':' ||
        s[16] != ':') {
        return 0;
    }
    const int year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
    const int hour = digits(s + 11, 2), minute = digits(s + 14, 2), second = digits(s + 17, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60) {
        return 0;
    }
    size_t i = 19;
    double fraction = 0, unit = 1;
    if (i + 1 < n && (s[i] == '.' || s[i] == ',') && s[i + 1] >= '0' && s[i + 1] <= '9') {
        double value = 0;
        for (i++; i < n && s[i] >= '0' && s[i] <= '9' && unit < 1e15; i++) {
            value = value * 10 + (s[i] - '0');
            unit *= 10;
        }
        fraction = value / unit;
    }
    int offset_min = 0;
    if (i < n && s[i] == 'Z') {
        i++;
    } else if (i + 5 < n && (s[i] == '+' || s[i] == '-') && digits(s + i + 1, 2) >= 0) {
        const size_t colon = s[i + 3] == ':' ? 1 : 0;
        if (i + 5 + colon <= n && digits(s + i + 3 + colon, 2) >= 0) {
            offset_min = digits(s + i + 1, 2) * 60 + digits(s + i + 3 + colon, 2);
            offset_min = s[i] == '-' ? -offset_min : offset_min;
            i += 5 + colon;
        }
    }
    const int64_t days = time_days(year, (unsigned)month, (unsigned)day);
    const int64_t whole = days * 86400 + hour * 3600 + minute * 60 + second - offset_min * 60;
    *unix_s = (double)whole + fraction;
    return i;
}
