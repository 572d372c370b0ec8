/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERROR_COUNT] = {
	[ERROR_NONE] = "none",
	[ERROR_CATALOG] = "catalog",
	[ERROR_TRANSIENT] = "transient",
	[ERROR_RESOURCE] = "resource",
	[ERROR_CONFLICT] = "conflict",
	[ERROR_BROKEN] = "broken",
};

const char *error_kind_name(enum error_kind kind)
{
	return kind < ERROR_COUNT ? names[kind] : names[ERROR_BROKEN];
}

enum error_kind error_kind_find(const char *name)
{
	for (enum error_kind kind = 0; kind < ERROR_COUNT; kind++)
		if (strcmp(names[kind], name) == 0)
			return kind;
	return ERROR_BROKEN;
}

enum error_kind error_kind_of_errno(int number, enum error_kind otherwise)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return ERROR_RESOURCE;
	default:
		return otherwise;
	}
}

void error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
}

void error_set_errno(struct error *err, enum error_kind otherwise, const char *format, ...)
{
	int number = errno;
	va_list args;

	err->kind = error_kind_of_errno(number, otherwise);
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(number));
	errno = number;
}

void error_add_context(struct error *err, const char *format, ...)
{
	char before[sizeof(err->text)];
	va_list args;

	memcpy(before, err->text, sizeof(before));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", before);
}
