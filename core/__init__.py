"""The engine of VIVID Studio: everything that can be done without a screen. Never imports gradio."""
