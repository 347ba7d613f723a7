"""What a warehouse must have, remembered outside of each thing that can be lost; and what is found to be missing.

:mod:`.remembered` is what is remembered, in two places; :mod:`.marks` what a region's file and books are now;
:mod:`.findings` compares the two; :mod:`.keeping` brings the memory up to date; :mod:`.losses` books what is given up.
"""
