/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Forms of text that a rule (RULE_IS) asks for and no regular expression can say. */

#include <stdbool.h>

#include "base/error.h"

/*
 * address: an IP address, or a range of them as below
 * boot-command: the whole boot_command in one; no <wait> in it is negative
 * checksum: none, or TYPE:HEX, or HEX of a length that tells the type; file:URL is not looked into
 * multiple-of-60
 * network: a range of IP addresses, 10.0.0.0/8
 * tunnel: PORT:HOST:PORT
 */
/* -1 and an error whose text goes on after "NAME must ...", kind CATALOG. FORMAT is one of these. */
int plugin_format_check(const char *format, const char *text, struct error *err);
bool plugin_format_is_known(const char *format);
/* Of a list, not every item is looked at, but all of them written behind each other. */
bool plugin_format_joins(const char *format);
