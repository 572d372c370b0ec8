/* SPDX-License-Identifier: Apache-2.0 */
/* Go's printf for what templates have: text, int, float64, bool, nil. Source: Go 1.19 fmt/print.go, fmt/format.go. */
#include "base/gotemplate_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/real.h"

enum { COUNT_MOST = 1000000, RUNE_MOST = 0x10FFFF };

struct verb {
	bool minus, plus, sharp, zero, space;
	bool quotes;          /* %#v */
	int width, precision; /* -1: none */
	unsigned letter;
};

struct printer {
	const char *at;
	const struct gotemplate_value *arguments;
	size_t count, next;
	bool reordered, after_index, good_index;
	struct text *out;
};

static void print_value(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out);

/* ---- padding: widths and precisions count runes ---- */

static size_t rune_count(const char *bytes, size_t size)
{
	size_t count = 0, length;

	for (size_t at = 0; at < size; at += length, count++)
		text_read_rune(bytes + at, size - at, &length);
	return count;
}

static void add_padding(const struct verb *verb, long count, struct text *out)
{
	for (; count > 0; count--)
		text_add_char(out, verb->zero ? '0' : ' ');
}

static void pad(const struct verb *verb, const char *bytes, size_t size, struct text *out)
{
	long missing = verb->width > 0 ? verb->width - (long)rune_count(bytes, size) : 0;

	if (!verb->minus)
		add_padding(verb, missing, out);
	text_add_bytes(out, bytes, size);
	if (verb->minus)
		add_padding(verb, missing, out);
}

static void pad_text(const struct verb *verb, const char *text, struct text *out)
{
	pad(verb, text, strlen(text), out);
}

static size_t truncated(const struct verb *verb, const char *bytes, size_t size)
{
	size_t kept = 0, length;

	if (verb->precision < 0)
		return size;
	for (int i = 0; i < verb->precision && kept < size; i++, kept += length)
		text_read_rune(bytes + kept, size - kept, &length);
	return kept;
}

static void bad_verb(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	struct verb plain = *verb;

	plain.letter = 'v';
	text_add(out, "%!");
	text_add_rune(out, verb->letter);
	text_add_char(out, '(');
	if (value->type == VALUE_NIL || value->type == VALUE_MISSING) {
		text_add(out, "<nil>");
	} else {
		text_addf(out, "%s=", value_type_name(value));
		print_value(&plain, value, out);
	}
	text_add_char(out, ')');
}

/* ---- text ---- */

/* strconv.Quote and, with ASCII, QuoteToASCII, for QUOTE = '"'; QuoteRune for '\''. */
static void quote(const char *bytes, size_t size, char mark, bool ascii, struct text *out)
{
	size_t length;

	text_add_char(out, mark);
	for (size_t at = 0; at < size; at += length) {
		unsigned rune = text_read_rune(bytes + at, size - at, &length);
		unsigned char c = bytes[at];
		if (rune == 0xFFFD && length == 1)
			text_addf(out, "\\x%02x", c);
		else if (c == (unsigned char)mark || c == '\\')
			text_addf(out, "\\%c", c);
		else if (c == 0x7F || (c < 0x20 && (c < 7 || c > 13)))
			text_addf(out, "\\x%02x", c);
		else if (rune < 0x80 || !ascii)
			text_add_c_escaped(out, bytes + at, length, NULL);
		else
			text_addf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
	}
	text_add_char(out, mark);
}

/* strconv.CanBackquote */
static bool can_backquote(const char *bytes, size_t size)
{
	size_t length;

	for (size_t at = 0; at < size; at += length) {
		unsigned rune = text_read_rune(bytes + at, size - at, &length);
		if ((rune == 0xFFFD && length == 1) || rune == 0xFEFF || rune == '`' ||
			rune == 0x7F || (rune < 0x20 && rune != '\t'))
			return false;
	}
	return true;
}

static void print_quoted(const struct verb *verb, const char *bytes, size_t size, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};

	size = truncated(verb, bytes, size);
	if (verb->sharp && can_backquote(bytes, size)) {
		text_add_char(&piece, '`');
		text_add_bytes(&piece, bytes, size);
		text_add_char(&piece, '`');
	} else {
		quote(bytes, size, '"', verb->plus, &piece);
	}
	pad(verb, piece.data, piece.size, out);
}

static void print_hexadecimal(
	const struct verb *verb, const char *bytes, size_t size, struct text *out)
{
	bool upper = verb->letter == 'X';

	if (verb->precision >= 0 && (size_t)verb->precision < size)
		size = verb->precision;
	long width = 2 * (long)size;
	if (size && verb->space)
		width = width * (verb->sharp ? 2 : 1) + (long)size - 1;
	else if (size && verb->sharp)
		width += 2;
	if (!size || !verb->minus)
		add_padding(verb, verb->width - width, out);
	for (size_t i = 0; i < size; i++) {
		if (verb->space && i)
			text_add_char(out, ' ');
		if (verb->sharp && (verb->space || !i))
			text_add(out, upper ? "0X" : "0x");
		text_addf(out, upper ? "%02X" : "%02x", (unsigned char)bytes[i]);
	}
	if (size && verb->minus)
		add_padding(verb, verb->width - width, out);
}

static void print_text(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	const char *bytes = value->text.bytes;
	size_t size = value->text.size;

	switch (verb->letter) {
	case 'v':
	case 's':
		if (verb->quotes)
			print_quoted(verb, bytes, size, out);
		else
			pad(verb, bytes, truncated(verb, bytes, size), out);
		break;
	case 'q':
		print_quoted(verb, bytes, size, out);
		break;
	case 'x':
	case 'X':
		print_hexadecimal(verb, bytes, size, out);
		break;
	default:
		bad_verb(verb, value, out);
	}
}

/* ---- whole numbers ---- */

static void print_rune(const struct verb *verb, int64_t number, struct text *out)
{
	CLEANUP(text_clear) struct text rune = {0}, piece = {0};

	text_add_rune(&rune, number < 0 || number > RUNE_MOST ? 0xFFFD : (unsigned)number);
	if (verb->letter == 'q')
		quote(rune.data, rune.size, '\'', verb->plus, &piece);
	else
		text_add_bytes(&piece, rune.data, rune.size);
	pad(verb, piece.data, piece.size, out);
}

static void print_code_point(const struct verb *verb, int64_t number, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};
	struct verb padding = *verb;

	text_addf(&piece, "U+%0*" PRIX64, verb->precision > 4 ? verb->precision : 4,
		(uint64_t)number);
	if (verb->sharp && number >= 0x20 && number <= RUNE_MOST && number != 0x7F) {
		text_add(&piece, " '");
		text_add_rune(&piece, (unsigned)number);
		text_add_char(&piece, '\'');
	}
	padding.zero = false;
	pad(&padding, piece.data, piece.size, out);
}

static void add_digits(uint64_t number, unsigned base, bool upper, struct text *out)
{
	char digits[65];
	size_t at = sizeof(digits);

	do
		digits[--at] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[number % base];
	while (number /= base);
	text_add_bytes(out, digits + at, sizeof(digits) - at);
}

static void print_based(const struct verb *verb, int64_t number, unsigned base, struct text *out)
{
	CLEANUP(text_clear) struct text digits = {0}, piece = {0};
	bool upper = verb->letter == 'X';
	struct verb padding = *verb;
	const char *sign = number < 0 ? "-" : verb->plus ? "+" : verb->space ? " " : "";
	long wanted = verb->precision;

	padding.zero = false;
	if (verb->precision == 0 && number == 0) {
		add_padding(&padding, verb->width, out);
		return;
	}
	/* zeros go between the sign and the digits */
	if (verb->precision < 0 && verb->zero && verb->width >= 0)
		wanted = verb->width - (*sign != '\0');
	add_digits(number < 0 ? -(uint64_t)number : (uint64_t)number, base, upper, &digits);
	text_add(&piece, sign);
	if (verb->letter == 'O')
		text_add(&piece, "0o");
	if (verb->sharp && base == 2)
		text_add(&piece, "0b");
	if (verb->sharp && base == 16)
		text_add(&piece, upper ? "0X" : "0x");
	if (verb->sharp && base == 8 && *digits.data != '0' && wanted <= (long)digits.size)
		text_add_char(&piece, '0');
	for (long missing = wanted - (long)digits.size; missing > 0; missing--)
		text_add_char(&piece, '0');
	text_add_bytes(&piece, digits.data, digits.size);
	pad(&padding, piece.data, piece.size, out);
}

static void print_integer(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	switch (verb->letter) {
	case 'v':
	case 'd':
		print_based(verb, value->integer, 10, out);
		break;
	case 'b':
		print_based(verb, value->integer, 2, out);
		break;
	case 'o':
	case 'O':
		print_based(verb, value->integer, 8, out);
		break;
	case 'x':
	case 'X':
		print_based(verb, value->integer, 16, out);
		break;
	case 'c':
	case 'q':
		print_rune(verb, value->integer, out);
		break;
	case 'U':
		print_code_point(verb, value->integer, out);
		break;
	default:
		bad_verb(verb, value, out);
	}
}

/* ---- real numbers ---- */

/*
 * A double has no more digits than that, whatever the base; C takes its time over those that are asked for beside them, all of
 * which are zeros.
 */
enum { REAL_DIGITS_MOST = 1100, HEXADECIMAL_DIGITS_MOST = 13 };

/* COUNT zeros before the exponent, which begins with MARK, or at the end. */
static void add_zeros(struct text *number, size_t from, char mark, int count)
{
	char *exponent = strchr(number->data + from, mark);
	autofree char *tail = memory_copy_text(exponent ? exponent : "");

	number->size -= strlen(tail);
	for (; count > 0; count--)
		text_add_char(number, '0');
	text_add(number, tail);
}

/* C's FORMAT with PRECISION digits behind the point; MARK begins its exponent. */
static void add_fixed(
	const char *format, int precision, int most, char mark, double real, struct text *out)
{
	size_t from = out->size;

	text_addf(out, format, precision < most ? precision : most, real);
	if (isfinite(real))
		add_zeros(out, from, mark, precision - most);
}

/* strconv.FormatFloat with 'x': the mantissa begins with 1, the exponent has two digits at least. */
static void add_hexadecimal_real(double real, int precision, bool upper, struct text *out)
{
	CLEANUP(text_clear) struct text form = {0};

	if (precision < 0)
		text_addf(&form, "%a", real);
	else
		add_fixed("%.*a", precision, HEXADECIMAL_DIGITS_MOST, 'p', real, &form);
	char *p = strchr(form.data, 'p');
	long exponent = p ? strtol(p + 1, NULL, 10) : 0;
	if (p)
		*p = '\0';
	for (char *c = form.data; upper && *c; c++)
		*c = *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c;
	text_addf(out, "%s%c%c%02ld", form.data, upper ? 'P' : 'p', exponent < 0 ? '-' : '+',
		labs(exponent));
}

static void add_binary_real(double real, struct text *out)
{
	int exponent;
	double mantissa = frexp(real, &exponent);

	text_addf(out, "%" PRId64 "p%+d", (int64_t)ldexp(mantissa, 53), exponent - 53);
}

/* %g with PRECISION digits; C's is the same but for its two digits of the exponent, which Go has too. */
static void add_real(const struct verb *verb, double real, struct text *out)
{
	static const struct {
		char letter, mark;
		const char *format;
	} forms[] = {
		{'e', 'e', "%.*e"}, {'E', 'E', "%.*E"}, {'f', 'e', "%.*f"}, {'F', 'e', "%.*f"}};
	int precision = verb->precision;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (forms[i].letter == (int)verb->letter) {
			add_fixed(forms[i].format, precision < 0 ? 6 : precision, REAL_DIGITS_MOST,
				forms[i].mark, real, out);
			return;
		}
	switch (verb->letter) {
	case 'b':
		add_binary_real(real, out);
		break;
	case 'x':
	case 'X':
		add_hexadecimal_real(real, precision, verb->letter == 'X', out);
		break;
	default: /* v, g and G; zeros at the end are dropped */
		if (precision >= 0)
			text_addf(out, verb->letter == 'G' ? "%.*G" : "%.*g",
				precision < REAL_DIGITS_MOST ? precision : REAL_DIGITS_MOST, real);
		else
			real_add(real, -4, 6, out);
		for (size_t i = 0; verb->letter == 'G' && i < out->size; i++)
			out->data[i] = out->data[i] == 'e' ? 'E' : out->data[i];
	}
}

/* What '#' does: a decimal point in any case and, for %g, zeros up to the precision. */
static void sharpen(const struct verb *verb, struct text *number)
{
	bool general = strchr("vgGx", (int)verb->letter) != NULL, nonzero = false;
	int digits = !general ? 0 : verb->precision < 0 ? 6 : verb->precision;
	size_t end =
		strcspn(number->data, verb->letter == 'x' || verb->letter == 'X' ? "pP" : "eE");
	autofree char *tail = memory_copy_text(number->data + end);
	bool point = false;

	for (size_t i = 1; i < end; i++) {
		if (number->data[i] == '.') {
			point = true;
			continue;
		}
		nonzero = nonzero || number->data[i] != '0';
		digits -= nonzero;
	}
	if (!point && end == 2 && number->data[1] == '0')
		digits--;
	number->size = end;
	if (!point)
		text_add_char(number, '.');
	for (; digits > 0; digits--)
		text_add_char(number, '0');
	text_add(number, tail);
}

static void print_real(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text number = {0};

	if (!strchr("vbgGxXfFeE", (int)verb->letter)) {
		bad_verb(verb, value, out);
		return;
	}
	text_add(&number, signbit(value->real) ? "" : "+");
	add_real(verb, value->real, &number);
	if (verb->space && *number.data == '+' && !verb->plus)
		*number.data = ' ';
	if (verb->sharp && verb->letter != 'b')
		sharpen(verb, &number);
	bool sign = verb->plus || *number.data != '+';
	if (sign && verb->zero && verb->width > (long)number.size) {
		text_add_char(out, *number.data);
		add_padding(verb, verb->width - (long)number.size, out);
		text_add(out, number.data + 1);
		return;
	}
	pad(verb, number.data + !sign, number.size - !sign, out);
}

/* ---- the whole ---- */

static void print_value(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};
	bool nil = value->type == VALUE_NIL || value->type == VALUE_MISSING;

	if (verb->letter == 'T' && !nil) {
		const char *name = value_type_name(value);
		pad(verb, name, truncated(verb, name, strlen(name)), out);
		return;
	}
	switch (value->type) {
	case VALUE_NIL:
	case VALUE_MISSING:
		if (verb->letter == 'v' || verb->letter == 'T')
			pad_text(verb, "<nil>", out);
		else
			bad_verb(verb, value, out);
		break;
	case VALUE_TEXT:
		print_text(verb, value, out);
		break;
	case VALUE_INTEGER:
		print_integer(verb, value, out);
		break;
	case VALUE_REAL:
		print_real(verb, value, out);
		break;
	case VALUE_BOOL:
		if (verb->letter == 't' || verb->letter == 'v')
			pad_text(verb, value->truth ? "true" : "false", out);
		else
			bad_verb(verb, value, out);
		break;
	default:
		value_sprint(value, &piece);
		pad(verb, text_get(&piece), piece.size, out);
	}
}

/* Digits at hand as a number, -1 if there are none. One that is too large takes the rest of the format with it. */
static int read_number(const char **at)
{
	int number = -1;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		number = (number < 0 ? 0 : number) * 10 + (**at - '0');
		if (number > COUNT_MOST) {
			*at += strlen(*at);
			return -1;
		}
	}
	return number;
}

/* "[2]": the argument that comes next. */
static void read_index(struct printer *printer)
{
	const char *end = *printer->at == '[' ? strchr(printer->at, ']') : NULL, *digits;

	printer->after_index = false;
	if (*printer->at != '[')
		return;
	printer->reordered = true;
	digits = ++printer->at;
	int number = end ? read_number(&digits) : -1;
	if (end)
		printer->at = end + 1;
	if (number < 0 || digits != end) {
		printer->good_index = false;
		return;
	}
	printer->after_index = true;
	if (number >= 1 && (size_t)number <= printer->count)
		printer->next = number - 1;
	else
		printer->good_index = false;
}

/* What '*' stands for. */
static bool take_count(struct printer *printer, int *number)
{
	const struct gotemplate_value *argument = &printer->arguments[printer->next];

	*number = 0;
	if (printer->next >= printer->count)
		return false;
	printer->next++;
	if (argument->type != VALUE_INTEGER || argument->integer < -COUNT_MOST ||
		argument->integer > COUNT_MOST)
		return false;
	*number = (int)argument->integer;
	return true;
}

static void read_flags(struct printer *printer, struct verb *verb)
{
	for (;; printer->at++) {
		switch (*printer->at) {
		case '#':
			verb->sharp = true;
			continue;
		case '0':
			verb->zero = !verb->minus;
			continue;
		case '+':
			verb->plus = true;
			continue;
		case '-':
			verb->minus = true;
			verb->zero = false;
			continue;
		case ' ':
			verb->space = true;
			continue;
		}
		return;
	}
}

static void read_width(struct printer *printer, struct verb *verb)
{
	read_index(printer);
	if (*printer->at != '*') {
		verb->width = read_number(&printer->at);
		if (printer->after_index && verb->width >= 0)
			printer->good_index = false;
		return;
	}
	printer->at++;
	if (!take_count(printer, &verb->width)) {
		text_add(printer->out, "%!(BADWIDTH)");
		verb->width = -1;
	} else if (verb->width < 0) {
		verb->width = -verb->width;
		verb->minus = true;
		verb->zero = false;
	}
	printer->after_index = false;
}

static void read_precision(struct printer *printer, struct verb *verb)
{
	/* at the very end it is a verb */
	if (printer->at[0] != '.' || !printer->at[1])
		return;
	printer->at++;
	if (printer->after_index)
		printer->good_index = false;
	read_index(printer);
	if (*printer->at != '*') {
		verb->precision = read_number(&printer->at);
		if (verb->precision < 0)
			verb->precision = 0;
		return;
	}
	printer->at++;
	if (!take_count(printer, &verb->precision) || verb->precision < 0) {
		text_add(printer->out, "%!(BADPREC)");
		verb->precision = -1;
	}
	printer->after_index = false;
}

static void complain(const struct printer *printer, const struct verb *verb, const char *what)
{
	text_add(printer->out, "%!");
	text_add_rune(printer->out, verb->letter);
	text_add(printer->out, what);
}

/* One verb; the printer stands behind its '%'. */
static void print_verb(struct printer *printer)
{
	struct verb verb = {.width = -1, .precision = -1};
	size_t length;

	printer->good_index = true;
	printer->after_index = false;
	read_flags(printer, &verb);
	read_width(printer, &verb);
	read_precision(printer, &verb);
	if (!printer->after_index)
		read_index(printer);
	if (!*printer->at) {
		text_add(printer->out, "%!(NOVERB)");
		return;
	}
	verb.letter = text_read_rune(printer->at, strnlen(printer->at, 4), &length);
	printer->at += length;
	if (verb.letter == '%') {
		text_add_char(printer->out, '%');
		return;
	}
	if (!printer->good_index) {
		complain(printer, &verb, "(BADINDEX)");
		return;
	}
	if (printer->next >= printer->count) {
		complain(printer, &verb, "(MISSING)");
		return;
	}
	if (verb.letter == 'v') {
		verb.quotes = verb.sharp;
		verb.sharp = verb.plus = false;
	}
	print_value(&verb, &printer->arguments[printer->next++], printer->out);
}

static void print_extra(const struct printer *printer)
{
	const struct verb plain = {.width = -1, .precision = -1, .letter = 'v'};
	struct text *out = printer->out;

	text_add(out, "%!(EXTRA ");
	for (size_t i = printer->next; i < printer->count && out->size <= GOTEMPLATE_OUTPUT_MOST;
		i++) {
		const struct gotemplate_value *value = &printer->arguments[i];
		text_add(out, i > printer->next ? ", " : "");
		if (value->type != VALUE_NIL && value->type != VALUE_MISSING)
			text_addf(out, "%s=", value_type_name(value));
		print_value(&plain, value, out);
	}
	text_add_char(out, ')');
}

void value_printf(const char *format, const struct gotemplate_value *arguments, size_t count,
	struct text *out)
{
	struct printer printer = {.at = format, .arguments = arguments, .count = count, .out = out};

	while (*printer.at && out->size <= GOTEMPLATE_OUTPUT_MOST) {
		size_t plain = strcspn(printer.at, "%");
		text_add_bytes(out, printer.at, plain);
		printer.at += plain;
		if (*printer.at) {
			printer.at++;
			print_verb(&printer);
		}
	}
	if (!printer.reordered && printer.next < count)
		print_extra(&printer);
}
