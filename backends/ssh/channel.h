/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to backends/ssh: channels of a link: commands, and the streams that files go through. */

#include "backends/ssh/link.h"
#include "base/text.h"

enum { EXIT_NOT_FOUND = 127 };

/* Where a command's output goes. */
struct output {
	int (*add)(void *context, enum log_stream stream, const char *bytes, size_t size,
		struct error *err);
	void *context;
};

/* A session channel, nothing started. NULL on failure; if LINK->dead, it was lost before. */
struct _LIBSSH2_CHANNEL *channel_open(struct link *link, struct error *err);
/* Gives the channel back, politely but not for long. NULL is fine. */
void channel_close(struct link *link, struct _LIBSSH2_CHANNEL *channel);
/* Starts COMMAND. */
int channel_exec(struct link *link, struct _LIBSSH2_CHANNEL *channel, const char *command,
	struct error *err);
/*
 * What is left of the channel until the other side closes it, then its exit code: 128 + N for signal N, whose name goes to
 * SIGNAL; COMMUNICATOR_DISCONNECTED if the connection is lost before.
 */
int channel_finish(struct link *link, struct _LIBSSH2_CHANNEL *channel, int *code,
	char signal[static 16], struct error *err);

/* exec.c: COMMAND from its start to its end on a channel of its own; CODE as above. */
int channel_run(struct link *link, struct _LIBSSH2_CHANNEL *channel, const char *command, bool pty,
	const struct output *output, int *code, struct error *err);

/* ---- stream.c: a command that we talk to ---- */

struct stream {
	struct link *link;
	struct _LIBSSH2_CHANNEL *channel;
	const char *program;   /* for errors: "scp" */
	const char *otherwise; /* what to do where the other side does not have it */
	struct text said;      /* on standard error, the beginning */
	size_t at, end;        /* of what was read ahead */
	char ahead[32768];
};

/* Starts COMMAND. The caller ends it by stream_close. */
int stream_open(struct stream *stream, struct link *link, const char *command, struct error *err);
void stream_close(struct stream *stream);
int stream_write(struct stream *stream, const void *bytes, size_t size, struct error *err);
/* At least one byte, at most SIZE; -1 where the program ended: ERR says how. */
ssize_t stream_read(struct stream *stream, void *bytes, size_t size, struct error *err);
/* Tells the program that nothing more comes, and waits for its end, which must be code 0. */
int stream_finish(struct stream *stream, struct error *err);

/* ---- files ---- */

/* PATH as a word for the other side's shell: only a '~' at its beginning keeps its meaning. */
void quote_path(const char *path, struct text *out);

/* A transfer that people wait for: a line of the log every few seconds. */
struct progress {
	struct job *job;
	const char *verb, *name;
	int64_t total, done, next_usec;
};
void progress_begin(struct progress *progress, struct job *job, const char *verb, const char *name,
	int64_t total);
/* -1 if the disk is full where the bytes go (only asked for downloads). */
int progress_add(struct progress *progress, size_t bytes, struct error *err);

/* The two ways files go, with the contracts of struct communicator_ops. */
struct transfer {
	int (*upload)(
		struct link *link, int fd, mode_t mode, const char *destination, struct error *err);
	int (*upload_folder)(
		struct link *link, int folder, const char *destination, struct error *err);
	int (*download)(
		struct link *link, const char *source, int fd, mode_t *mode, struct error *err);
	int (*download_folder)(
		struct link *link, const char *source, int folder, struct error *err);
};
extern const struct transfer transfer_scp, transfer_sftp;

/*
 * tree.c: walks the folder to be sent. ENTER and LEAVE frame a folder below it, FILE is a file; PATH counts from FOLDER. Links
 * are followed as long as they do not lead out of it.
 */
struct walk {
	int (*enter)(struct walk *walk, const char *path, mode_t mode, struct error *err);
	int (*leave)(struct walk *walk, const char *path, mode_t mode, struct error *err);
	int (*file)(struct walk *walk, const char *path, int fd, mode_t mode, struct error *err);
	int folder;
	struct link *link;
};
int walk_folder(struct walk *walk, struct error *err);

/* Receiving: NAME, which the other side gave, in FOLDER. Kind CATALOG if it is no plain name. */
int receive_file(int folder, const char *name, mode_t mode, struct error *err);
int receive_folder(int folder, const char *name, mode_t mode, struct error *err);
enum { FOLDERS_DEEP_MOST = 64 };
