/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is answered to a request for a file of a folder: the file or a part of it, a folder's index.html or a list of it. Nothing outside
 * of the folder is ever opened, whatever is asked for and whatever links lie there. Source: Go 1.15 net/http fs.go, which serves
 * http_directory in Packer.
 */

#include "backends/media/http_request.h"
#include "base/text.h"

struct http_answer {
	int status;
	struct text bytes;  /* the head, and the content unless it is in a file */
	int fd;             /* -1: none */
	int64_t from, left; /* of it */
	int64_t size;       /* of the content, for the log */
};
void http_answer_clear(struct http_answer *answer);

/* FOLDER is a descriptor. */
void http_answer_make(int folder, const struct http_request *request, struct http_answer *answer);
/* STATUS and a line about it; ALLOW for 405 is there too. */
void http_answer_refuse(int status, bool keep, struct http_answer *answer);
