"""What FFmpeg may use on a file that a person hands in.

FFmpeg reads hundreds of formats, many of them from games and instruments of long ago, written when
nobody thought of hostile files. Only those in which people keep footage are ever tried, so that the
rest is no way in. FFmpeg refuses the others itself, by these lists.
"""

from __future__ import annotations

PROTOCOL = "file"
"""The only one. Without others a playlist or a concat script names nothing that could be opened."""

PICTURE_PIPES = ("png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe")
"""Opened only to say that the file is a single picture."""

DEMUXERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "nut", "dv", "rm", "ivf", "gif", "apng"),
    *("yuv4mpegpipe", "h264", "hevc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "vc1", "webp_anim", "awebp"),
    # Sound alone, so that it can be said that there is no video in it.
    *("wav", "mp3", "aac", "flac", "aiff", "ac3", "eac3"),
    *PICTURE_PIPES,
)

VIDEO_DECODERS = frozenset(
    {
        *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "vp3", "vp6", "vp6a", "vp6f", "vp7", "theora"),
        *("mpeg1video", "mpeg2video", "mpegvideo", "mpeg4", "h263", "h263i", "h263p", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "flv"),
        *("wmv1", "wmv2", "wmv3", "vc1", "rv10", "rv20", "rv30", "rv40", "svq1", "svq3", "cinepak", "indeo3", "indeo4", "indeo5"),
        *("mjpeg", "mjpegb", "jpeg2000", "prores", "dnxhd", "dvvideo", "cfhd", "hap", "ffv1", "huffyuv", "ffvhuff", "utvideo"),
        *("magicyuv", "rawvideo", "v210", "v308", "v408", "v410", "r210", "yuv4", "qtrle", "rpza", "smc", "msrle", "msvideo1"),
        *("png", "apng", "gif", "webp", "webp_anim", "awebp", "bmp", "tiff", "zlib", "vvc", "snow"),
    }
)

AUDIO_DECODERS = frozenset(
    {
        *("aac", "aac_latm", "ac3", "eac3", "dca", "truehd", "mlp", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float"),
        *("opus", "libopus", "vorbis", "flac", "alac", "tta", "wavpack", "speex", "libspeex", "ape", "dvaudio", "s302m"),
        *("wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "cook", "sipr", "ra_144", "real_144", "real_288", "nellymoser"),
        *("amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "gsm", "gsm_ms", "qdm2", "qdmc", "mace3", "mace6"),
        *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_swf", "adpcm_yamaha", "g722", "g726"),
        *("pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd", "pcm_u8", "pcm_s8", "pcm_u16be", "pcm_u16le"),
        *(f"pcm_{kind}{bits}{order}" for kind, bits in (("s", 16), ("s", 24), ("s", 32), ("f", 32), ("f", 64)) for order in ("le", "be")),
        *(f"pcm_s{bits}{order}_planar" for bits, order in ((16, "le"), (16, "be"), (24, "le"), (32, "le"))),
    }
)

SUBTITLE_DECODERS = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})

DECODERS = VIDEO_DECODERS | AUDIO_DECODERS | SUBTITLE_DECODERS

OPTIONS = {
    "protocol_whitelist": PROTOCOL,
    "format_whitelist": ",".join(DEMUXERS),
    "codec_whitelist": ",".join(sorted(DECODERS)),
}
"""For the container. The decoders that PyAV opens itself are checked by `core.media.source`."""
