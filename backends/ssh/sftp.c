/* SPDX-License-Identifier: Apache-2.0 */
/* Files by SFTP. Source: draft-ietf-secsh-filexfer-02, version 3 of the protocol. */
#include "backends/ssh/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libssh2.h>
#include <libssh2_sftp.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/strings.h"

/* Many packets are on their way at once: libssh2 cuts the chunk and collects the answers. */
enum { CHUNK = 2 * 1024 * 1024, NAME_SIZE = 1024, CLOSE_USEC = 2 * 1000 * 1000 };

struct sftp {
	struct link *link;
	LIBSSH2_SFTP *session;
};

/* ---- errors ---- */

static const char *describe_status(unsigned long status)
{
	switch (status) {
	case LIBSSH2_FX_NO_SUCH_FILE:
		return "no such file or folder";
	case LIBSSH2_FX_PERMISSION_DENIED:
		return "permission denied";
	case LIBSSH2_FX_FAILURE:
		return "the other side failed (is its disk full?)";
	case LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM:
	case LIBSSH2_FX_QUOTA_EXCEEDED:
		return "its disk is full";
	case LIBSSH2_FX_FILE_ALREADY_EXISTS:
		return "it is there already";
	case LIBSSH2_FX_WRITE_PROTECT:
		return "its file system is read-only";
	default:
		return "the other side refuses";
	}
}

static int sftp_failed(struct sftp *sftp, long code, const char *path, struct error *err)
{
	if (code != LIBSSH2_ERROR_SFTP_PROTOCOL)
		return link_failed(sftp->link, code, path, err);
	return fail(err, ERROR_CATALOG, "%s: %s: %s", sftp->link->name, path,
		describe_status(libssh2_sftp_last_error(sftp->session)));
}

/* ---- opening and closing ---- */

static int sftp_open(struct sftp *sftp, struct link *link, struct error *err)
{
	int code = 0;

	*sftp = (struct sftp){.link = link};
	sftp->session = LINK_TRY_POINTER(link, err, &code, libssh2_sftp_init(link->session));
	if (sftp->session)
		return 0;
	if (code == LIBSSH2_ERROR_EAGAIN)
		return -1;
	link_failed(link, code, "starting sftp", err);
	if (link->dead)
		return -1;
	return fail(err, ERROR_CATALOG,
		"%s has no sftp: install it there, or set ssh_file_transfer_method to scp",
		link->name);
}

/* Politely, but not for long: what does not end takes its connection with it. */
static void sftp_close(struct sftp *sftp)
{
	struct link *link = sftp->link;
	int64_t limit = link->patience.limit_usec;
	struct error ignored;

	if (!sftp->session || link->dead)
		return;
	link->patience.limit_usec = moment_elapsed_usec() + CLOSE_USEC;
	if (LINK_TRY(link, &ignored, libssh2_sftp_shutdown(sftp->session)) < 0)
		link->dead = true;
	link->patience.limit_usec = limit;
}

static LIBSSH2_SFTP_HANDLE *open_handle(struct sftp *sftp, const char *path, unsigned long flags,
	long mode, int kind, struct error *err)
{
	int code = 0;
	LIBSSH2_SFTP_HANDLE *handle = LINK_TRY_POINTER(sftp->link, err, &code,
		libssh2_sftp_open_ex(sftp->session, path, strlen(path), flags, mode, kind));

	if (!handle)
		sftp_failed(sftp, code, path, err);
	return handle;
}

/* Behind a failure libssh2 may wait for an answer that it has had already: not for long, and the connection goes. */
static void abandon_handle(struct sftp *sftp, LIBSSH2_SFTP_HANDLE *handle)
{
	struct link *link = sftp->link;
	int64_t limit = link->patience.limit_usec;
	struct error ignored;

	if (link->dead)
		return;
	link->patience.limit_usec = moment_elapsed_usec() + CLOSE_USEC;
	if (LINK_TRY(link, &ignored, libssh2_sftp_close_handle(handle)) == LIBSSH2_ERROR_EAGAIN)
		link->dead = true;
	link->patience.limit_usec = limit;
}

/* Closing tells whether all was written. */
static int close_handle(struct sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, const char *path,
	int result, struct error *err)
{
	if (result < 0) {
		abandon_handle(sftp, handle);
		return -1;
	}
	long code = LINK_TRY(sftp->link, err, libssh2_sftp_close_handle(handle));
	return code < 0 ? sftp_failed(sftp, code, path, err) : 0;
}

/* A '~/' is what a shell would make of it: the folder that sftp begins in. */
static const char *plain_path(const char *path)
{
	if (strncmp(path, "~/", 2) == 0)
		return path[2] ? path + 2 : ".";
	return strcmp(path, "~") == 0 ? "." : path;
}

/* ---- sending ---- */

static int write_all(struct sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, const char *bytes, size_t size,
	const char *path, struct error *err)
{
	while (size) {
		ssize_t sent = LINK_TRY(sftp->link, err, libssh2_sftp_write(handle, bytes, size));
		if (sent < 0)
			return sftp_failed(sftp, sent, path, err);
		bytes += sent;
		size -= sent;
	}
	return patience_check(&sftp->link->patience, err);
}

static int copy_up(
	struct sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, int fd, const char *path, struct error *err)
{
	autofree char *chunk = memory_new(CHUNK);
	struct progress progress;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "reading");
	progress_begin(&progress, sftp->link->patience.communicator->job, "uploading", path,
		status.st_size);
	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "reading");
		if (got == 0)
			return 0;
		if (write_all(sftp, handle, chunk, got, path, err) < 0 ||
			progress_add(&progress, got, err) < 0)
			return -1;
	}
}

static int set_mode(struct sftp *sftp, const char *path, mode_t mode, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES attributes = {
		.flags = LIBSSH2_SFTP_ATTR_PERMISSIONS, .permissions = mode};
	long code = LINK_TRY(sftp->link, err,
		libssh2_sftp_stat_ex(
			sftp->session, path, strlen(path), LIBSSH2_SFTP_SETSTAT, &attributes));

	return code < 0 ? sftp_failed(sftp, code, path, err) : 0;
}

static int send_file(struct sftp *sftp, int fd, mode_t mode, const char *path, struct error *err)
{
	LIBSSH2_SFTP_HANDLE *handle =
		open_handle(sftp, path, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC,
			mode, LIBSSH2_SFTP_OPENFILE, err);

	if (!handle)
		return -1;
	int result = copy_up(sftp, handle, fd, path, err);
	if (close_handle(sftp, handle, path, result, err) < 0)
		return -1;
	return set_mode(sftp, path, mode, err);
}

static int upload(
	struct link *link, int fd, mode_t mode, const char *destination, struct error *err)
{
	struct sftp sftp;
	int result = sftp_open(&sftp, link, err);

	if (result == 0)
		result = send_file(&sftp, fd, mode, plain_path(destination), err);
	sftp_close(&sftp);
	return result < 0 ? fail_while(err, "uploading %s", destination) : 0;
}

static bool is_folder(struct sftp *sftp, const char *path)
{
	LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
	struct error ignored;

	return LINK_TRY(sftp->link, &ignored,
		       libssh2_sftp_stat_ex(sftp->session, path, strlen(path), LIBSSH2_SFTP_STAT,
			       &attributes)) == 0 &&
	       LIBSSH2_SFTP_S_ISDIR(attributes.permissions);
}

static int make_folder(struct sftp *sftp, const char *path, struct error *err)
{
	long code = LINK_TRY(
		sftp->link, err, libssh2_sftp_mkdir_ex(sftp->session, path, strlen(path), 0755));

	if (code == 0 || (code == LIBSSH2_ERROR_SFTP_PROTOCOL && is_folder(sftp, path)))
		return 0;
	return sftp_failed(sftp, code, path, err);
}

/* With those above it. */
static int make_folders(struct sftp *sftp, const char *path, struct error *err)
{
	if (is_folder(sftp, path))
		return 0;
	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		autofree char *above = memory_copy_bytes(path, slash - path);
		if (make_folder(sftp, above, err) < 0)
			return -1;
	}
	return make_folder(sftp, path, err);
}

struct upload {
	struct walk walk;
	struct sftp sftp;
	const char *destination;
};

static char *target_of(const struct upload *upload, const char *path)
{
	return memory_printf("%s/%s", upload->destination, path);
}

static int enter(struct walk *walk, const char *path, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;
	autofree char *target = target_of(upload, path);

	(void)mode;
	return make_folder(&upload->sftp, target, err);
}

/* Only now: what may not be written could not be filled. */
static int leave(struct walk *walk, const char *path, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;
	autofree char *target = target_of(upload, path);

	return set_mode(&upload->sftp, target, mode, err);
}

static int send_entry(struct walk *walk, const char *path, int fd, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;
	autofree char *target = target_of(upload, path);
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is neither a file nor a folder", path);
	return send_file(&upload->sftp, fd, mode, target, err);
}

static int upload_folder(struct link *link, int folder, const char *destination, struct error *err)
{
	struct upload upload = {.walk = {enter, leave, send_entry, folder, link},
		.destination = plain_path(destination)};
	int result = sftp_open(&upload.sftp, link, err);

	if (result == 0)
		result = make_folders(&upload.sftp, upload.destination, err);
	if (result == 0)
		result = walk_folder(&upload.walk, err);
	sftp_close(&upload.sftp);
	return result < 0 ? fail_while(err, "uploading to %s", destination) : 0;
}

/* ---- receiving ---- */

static int copy_down(struct sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, int fd, const char *path,
	int64_t size, struct error *err)
{
	autofree char *chunk = memory_new(CHUNK);
	struct progress progress;
	ssize_t got;

	progress_begin(
		&progress, sftp->link->patience.communicator->job, "downloading", path, size);
	while ((got = LINK_TRY(sftp->link, err, libssh2_sftp_read(handle, chunk, CHUNK))) > 0)
		if (file_write_all(fd, chunk, got, err) < 0 ||
			progress_add(&progress, got, err) < 0 ||
			patience_check(&sftp->link->patience, err) < 0)
			return -1;
	return got < 0 ? sftp_failed(sftp, got, path, err) : 0;
}

static int receive_content(
	struct sftp *sftp, const char *path, int fd, mode_t *mode, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
	LIBSSH2_SFTP_HANDLE *handle =
		open_handle(sftp, path, LIBSSH2_FXF_READ, 0, LIBSSH2_SFTP_OPENFILE, err);

	if (!handle)
		return -1;
	long code = LINK_TRY(sftp->link, err, libssh2_sftp_fstat_ex(handle, &attributes, 0));
	int result = code < 0 ? sftp_failed(sftp, code, path, err)
	             : LIBSSH2_SFTP_S_ISREG(attributes.permissions)
	                     ? copy_down(sftp, handle, fd, path, (int64_t)attributes.filesize, err)
	                     : fail(err, ERROR_CATALOG, "%s is no plain file", path);
	*mode = attributes.permissions & 0777;
	return close_handle(sftp, handle, path, result, err);
}

static int download(struct link *link, const char *source, int fd, mode_t *mode, struct error *err)
{
	struct sftp sftp;
	int result = sftp_open(&sftp, link, err);

	if (result == 0)
		result = receive_content(&sftp, plain_path(source), fd, mode, err);
	sftp_close(&sftp);
	return result < 0 ? fail_while(err, "downloading %s", source) : 0;
}

static int list(struct sftp *sftp, const char *path, struct strings *names, struct error *err)
{
	LIBSSH2_SFTP_HANDLE *handle = open_handle(sftp, path, 0, 0, LIBSSH2_SFTP_OPENDIR, err);
	LIBSSH2_SFTP_ATTRIBUTES attributes;
	char name[NAME_SIZE];
	ssize_t got;

	if (!handle)
		return -1;
	while ((got = LINK_TRY(sftp->link, err,
			libssh2_sftp_readdir_ex(
				handle, name, sizeof(name) - 1, NULL, 0, &attributes))) > 0) {
		name[got] = '\0';
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			strings_add(names, name);
	}
	return close_handle(
		sftp, handle, path, got < 0 ? sftp_failed(sftp, got, path, err) : 0, err);
}

static int receive_below(
	struct sftp *sftp, const char *path, int folder, int depth, struct error *err);

static int receive_entry(struct sftp *sftp, const char *path, const char *name, int folder,
	int depth, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
	mode_t mode;

	long code = LINK_TRY(sftp->link, err,
		libssh2_sftp_stat_ex(
			sftp->session, path, strlen(path), LIBSSH2_SFTP_STAT, &attributes));
	if (code < 0)
		return sftp_failed(sftp, code, path, err);
	bool is_below = LIBSSH2_SFTP_S_ISDIR(attributes.permissions);
	autoclose int fd = is_below ? receive_folder(folder, name, attributes.permissions, err)
	                            : receive_file(folder, name, attributes.permissions, err);
	if (fd < 0)
		return -1;
	return is_below ? receive_below(sftp, path, fd, depth + 1, err)
	                : receive_content(sftp, path, fd, &mode, err);
}

static int receive_below(
	struct sftp *sftp, const char *path, int folder, int depth, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (depth > FOLDERS_DEEP_MOST)
		return fail(err, ERROR_CATALOG, "%s: more than %d folders in each other", path,
			FOLDERS_DEEP_MOST);
	if (list(sftp, path, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		autofree char *below = memory_printf("%s/%s", path, name);
		if (receive_entry(sftp, below, name, folder, depth, err) < 0)
			return -1;
	}
	return 0;
}

static int download_folder(struct link *link, const char *source, int folder, struct error *err)
{
	struct sftp sftp;
	int result = sftp_open(&sftp, link, err);

	if (result == 0)
		result = receive_below(&sftp, plain_path(source), folder, 0, err);
	sftp_close(&sftp);
	return result < 0 ? fail_while(err, "downloading %s", source) : 0;
}

const struct transfer transfer_sftp = {upload, upload_folder, download, download_folder};
