/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the machine starts from and finds in its drives, and what is served to it: the ISO or disk image of iso_url, a CD of cd_files, a
 * floppy disk, http_directory.
 */

#include "backends/job.h"
#include "backends/media/http.h"
#include "backends/plugins/native.h"
#include "base/strings.h"

struct qemu_media {
	char *source;       /* the ISO or disk image, absolute */
	int source_fd;      /* the same, open */
	const char *format; /* of a disk image, as QEMU names it; static */
	bool lasting;       /* SOURCE stays when the build's folder goes */
	struct strings cds; /* beside the ISO; absolute */
	char *floppy;       /* NULL: none */
	char *http_ip;      /* as the machine sees it; NULL: nothing is served */
	char *http_folder;
	int http_port;
	char *http_place; /* the folder of the server's socket, for a network of its own; NULL: it listens at a port */
	struct http_server http;
};

/*
 * CLOSED: the machine reaches nobody, so what is served to it goes another way than over this machine's network. Kind CATALOG for what is not there or has another checksum, TRANSIENT for what may come later. Clear it also when this fails. */
int qemu_media_open(struct job *job, const struct qemu_options *options, bool closed,
	struct qemu_media *media, struct error *err);
/* Nothing is served any more. */
void qemu_media_clear(struct qemu_media *media);
