/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files of the form that Python's configparser reads: [section], key = value, further lines of a value indented. */

typedef void ini_visit(void *context, const char *section, const char *key, const char *value);
/* Keys are in lower case; the lines of a value are joined by spaces. What is no such line is skipped. */
void ini_each(const char *text, ini_visit *visit, void *context);
