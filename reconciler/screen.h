/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The screen of a build's machine as its worker kept it last. What lies there is written by QEMU, which a guest may have taken over: it is
 * looked at as the file of a stranger.
 */

#include <stdint.h>

enum { SCREEN_SIZE_MOST = 8 * 1024 * 1024 };

struct screen {
	int fd;           /* owned; -1: there is none */
	const char *type; /* "image/png", "image/x-portable-pixmap": by its first bytes */
	int64_t size_bytes, taken_usec;
};

/* The screen in FOLDER, a build's; fd is -1 where there is none that could be one. */
struct screen screen_open(const char *folder);
