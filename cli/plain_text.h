/* Names of users as text and nothing but text, in gnuplot scripts and HTML. */
#ifndef CLI_PLAIN_TEXT_H
#define CLI_PLAIN_TEXT_H

#include "model/base/base.h"

/* Valid UTF-8 without control characters: what is neither becomes U+FFFD or a blank. Longer than
 * `limit` characters (0 = no limit): cut, with an ellipsis. */
void text_plain(struct text *out, const char *s, size_t limit);
/* A gnuplot string constant of the same. All but letters, digits and a few signs is written in
 * octal, so that gnuplot sees no quote, back quote, dollar, at sign or backslash. */
void text_gnuplot(struct text *out, const char *s, size_t limit);
/* A gnuplot string constant of exactly these bytes, for file names. */
void text_gnuplot_name(struct text *out, const char *name);
/* Characters of HTML text and of quoted attribute values. */
void text_html(struct text *out, const char *s);
/* Characters, not bytes. */
size_t text_length(const char *s);

#endif
