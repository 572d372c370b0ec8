/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *pointer)
{
	static const char message[] = "kiln: out of memory\n";

	if (!pointer) {
		ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);
		(void)ignored;
		abort();
	}
	return pointer;
}

void *memory_new(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *memory_resize(void *pointer, size_t count, size_t size)
{
	return checked(reallocarray(pointer, count ? count : 1, size));
}

char *memory_copy_text(const char *text)
{
	return checked(strdup(text));
}

char *memory_copy_bytes(const void *bytes, size_t size)
{
	char *copy = checked(malloc(size + 1));

	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

char *memory_vprintf(const char *format, va_list arguments)
{
	char *text = NULL;

	return checked(vasprintf(&text, format, arguments) < 0 ? NULL : text);
}

char *memory_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = memory_vprintf(format, arguments);
	va_end(arguments);
	return text;
}
