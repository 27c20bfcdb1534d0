//! What a camera's JPEG may lack: Huffman tables, an end. (Provisional: the checks come here.)
