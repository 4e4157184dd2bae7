"""VIVID at full size: LoRA and a wider patch embedding on a frozen CogVideoX."""
