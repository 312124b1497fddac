"""The tiny text-to-image pipeline that ships in the wheel: its drawings and its pretraining."""
