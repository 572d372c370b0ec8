/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to backends/rootfs: process 1 of a sandbox and what is said to it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum agent_verb {
	AGENT_RUN,             /* descriptors: stdout, stderr; answer comes when it ended */
	AGENT_SIGNAL,          /* `mode` is sent to what runs; there is no answer */
	AGENT_UPLOAD,          /* descriptor: content */
	AGENT_UPLOAD_FOLDER,   /* descriptor: a tar */
	AGENT_DOWNLOAD,        /* descriptor: where the content goes */
	AGENT_DOWNLOAD_FOLDER, /* descriptor: where a tar goes */
	AGENT_IS_FOLDER,
	AGENT_TRIED, /* descriptor: where the paths go that were looked for in vain, a NUL behind each */
	AGENT_PACK, /* descriptor: where a tar of the root goes */
};

enum { AGENT_WORDS_SIZE = 128 * 1024, AGENT_FDS_MOST = 2 };

/* One packet. Words are NUL-terminated strings behind each other: arguments, then "" , then the environment. */
struct agent_request {
	enum agent_verb verb;
	uint32_t mode;
	int64_t epoch;
	uint32_t words_size;
	uint32_t noting;      /* of AGENT_RUN: what it looks for in vain is noted */
	uint32_t folder_size; /* bytes of the first word when it is a working folder, else 0 */
	char words[AGENT_WORDS_SIZE];
};

struct agent_answer {
	int code; /* 0; of AGENT_RUN: the exit code; -1: failed, see error */
	uint32_t mode;
	struct error error;
};

/* Serves requests that come over SOCKET until it is closed. Never returns. */
void agent_serve(int socket) __attribute__((noreturn));
