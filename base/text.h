/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text that grows, and the small questions one asks of text. A struct text that was written to is always
 * NUL-terminated; it may hold NUL bytes, `size` counts them.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* NULL as long as nothing was added */
	size_t size;
	size_t room;
};

void text_clear(struct text *text);
/* Forgets the content and keeps the room. */
void text_reset(struct text *text);
void text_add(struct text *text, const char *addition);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_add_char(struct text *text, char c);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *text, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* Hands the bytes over; the caller frees them. Never NULL. */
char *text_take(struct text *text);
/* The bytes as a C string, "" when nothing was added. */
const char *text_get(const struct text *text);

/* A code point as UTF-8; what is no code point (surrogates, above 10FFFF) becomes U+FFFD. */
void text_add_rune(struct text *text, unsigned rune);
/*
 * The next code point of BYTES and in *LENGTH how many bytes it took (at least 1); U+FFFD and length 1 where
 * the bytes are no valid UTF-8, which is how Go reads them. SIZE must not be 0.
 */
unsigned text_read_rune(const char *bytes, size_t size, size_t *length);
bool text_is_utf8(const char *bytes, size_t size);
/* Copies, with U+FFFD in place of every byte that is not part of valid UTF-8. */
void text_add_utf8(struct text *text, const char *bytes, size_t size);

/*
 * C escapes as git quotes paths: \a \b \t \n \v \f \r \\ by letter, every other control byte and DEL as three
 * octal digits; the bytes in ALSO (may be NULL) are written in octal too. Bytes from 128 up stay as they are.
 */
void text_add_c_escaped(struct text *text, const char *bytes, size_t size, const char *also);
/* The reverse, into TEXT; -1 where a backslash is followed by what the function above never writes. */
int text_add_c_unescaped(struct text *text, const char *escaped, size_t size);

bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool text_equal_case(const char *a, const char *b); /* ASCII case folded */
/* Replaces every OLD (not empty) in BYTES; the caller frees the result and owns *RESULT_SIZE. */
char *text_replace(const char *bytes, size_t size, const char *old, const char *replacement,
	size_t *result_size);
