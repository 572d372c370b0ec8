/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files and folders of our own. Every path may be relative to a folder descriptor (AT_FDCWD for none). What is
 * called lasting was fsynced, the folder too; a failed fsync is never tried again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* The whole file, at most MOST bytes (more is an error of kind CATALOG); a NUL follows. *SIZE may be NULL. */
int file_read(
	int folder, const char *path, size_t most, char **bytes, size_t *size, struct error *err);
int file_read_fd(int fd, size_t most, struct text *out, struct error *err);
int file_write_all(int fd, const void *bytes, size_t size, struct error *err);

/* A new file, lasting; fails where one is. MODE is exact, whatever the umask. */
int file_write_new(int folder, const char *path, mode_t mode, const void *bytes, size_t size,
	struct error *err);
/* Puts the content in place of the old one, lasting: at every instant one of the two is there whole. */
int file_replace(int folder, const char *path, mode_t mode, const void *bytes, size_t size,
	struct error *err);
/* fsync of an open file or folder; NAME is for the message. */
int file_sync(int fd, const char *name, struct error *err);

/*
 * openat(2) where strangers have written: no part of PATH, "" being FOLDER itself, leads out of FOLDER, and what is opened is a
 * regular file or a folder: never a device, nor a fifo that waits for its other end. -1 and errno (EXDEV: it leads out) otherwise.
 */
int file_open_beneath(int folder, const char *path, int flags, mode_t mode);

bool file_exists(int folder, const char *path); /* of any type, links not followed */

/* An existing folder; -1 and an error otherwise. */
int folder_open(int folder, const char *path, struct error *err);
/* The folder and those above it, where missing; an open descriptor of it, or -1. */
int folder_make(int folder, const char *path, mode_t mode, struct error *err);
/*
 * The same where strangers have written: no part of PATH may be a link or "..", "" is FOLDER itself. Kind CATALOG if one is.
 */
int folder_make_inside(int folder, const char *path, mode_t mode, struct error *err);
int folder_sync(int folder, const char *path, struct error *err);
/* The names in it but "." and "..", sorted. */
struct strings;
int folder_list(int folder, const char *path, struct strings *names, struct error *err);
/* The file or the folder with all that is in it; no link is followed; nothing there is no error. */
int folder_remove(int folder, const char *path, struct error *err);
