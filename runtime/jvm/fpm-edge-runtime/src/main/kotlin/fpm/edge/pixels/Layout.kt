package fpm.edge.pixels

/** Order of a tensor's axes: channels last or first. */
public enum class Layout { NHWC, NCHW }
