"""Why a site did not get through, in words for people: what is, then one action. Vietnamese first."""

from typing import Final, Literal

from diemcau.rollout.rehearsals.walk import Cause, Step

STEP_TEXTS: Final[dict[Step, str]] = {
    Step.CONNECT: "Kết nối",
    Step.SEE: "Thấy hình",
    Step.HEAR: "Nghe tiếng",
    Step.SPEAK: "Được thấy và nghe",
}

_ALLOW = "Bấm biểu tượng ổ khoá cạnh địa chỉ trang, chọn Cho phép, rồi bấm Thử lại."
_ALLOW_EN = "Press the lock beside the page's address, allow it, then press Try again."

TEXTS: Final[dict[Cause, dict[Literal["vi", "en"], str]]] = {
    "absent": {
        "vi": "Không vào chạy thử. Gọi điểm cầu, nhờ mở trang điểm cầu trên máy.",
        "en": "Did not come. Call the site and have its page opened.",
    },
    "left": {
        "vi": "Đã vào rồi rời đi. Gọi điểm cầu, nhờ mở lại trang.",
        "en": "Came and left. Call the site and have its page opened again.",
    },
    "not_connected": {
        "vi": "Trang đã mở nhưng hình không tới được máy. Chạy Tự kiểm tra để biết cổng mạng nào cần mở.",
        "en": "The page is open but no picture reaches it. Run the self-test: it names the ports to open.",
    },
    "cannot_show": {
        "vi": "Trình duyệt không xem được hình của cuộc họp. Cập nhật Chrome hoặc Cốc Cốc rồi mở lại trang.",
        "en": "The browser cannot show the meeting's picture. Update Chrome and open the page again.",
    },
    "weak_line": {
        "vi": "Đường truyền quá yếu để xem hình động. Tắt chương trình khác dùng mạng hoặc cắm dây mạng.",
        "en": "The line is too weak for moving pictures. Stop other uses of it, or plug in a cable.",
    },
    "wrong_answers": {
        "vi": "Trang báo sai hình đã chiếu. Tải lại trang, chạy lại đợt sau; còn sai thì báo kỹ thuật.",
        "en": "The page named pictures that were not shown. Have a technician look at the machine.",
    },
    "not_seen": {
        "vi": "Máy chưa đọc được hình chiếu. Đưa trang ra trước màn hình, tải lại trang.",
        "en": "The machine did not read the picture. Bring the page to the front and reload it.",
    },
    "not_armed": {
        "vi": "Trang chưa được bật tiếng. Bấm nút lớn trên trang một lần.",
        "en": "Sound is not on. Press the large button of the page once.",
    },
    "not_heard": {
        "vi": "Máy chưa nghe được tiếng chuông. Tải lại trang và bấm nút bật tiếng.",
        "en": "The machine did not hear the notes. Reload the page and press the sound button.",
    },
    "no_turn": {
        "vi": "Hết giờ trước khi tới lượt nói. Xếp điểm cầu vào đợt chạy thử sau.",
        "en": "The time ended before its turn to speak. Put it into the next rehearsal.",
    },
    "not_sent": {
        "vi": "Không nhận được hình và tiếng từ điểm cầu. Bấm Thử lại; nếu vẫn vậy, chạy Tự kiểm tra.",
        "en": "Neither picture nor sound came from the site. Press Try again, else run the self-test.",
    },
    "no_picture": {
        "vi": "Không có hình từ camera. Cắm lại camera, đóng ứng dụng đang dùng camera, rồi bấm Thử lại.",
        "en": "No picture from the camera. Plug it in anew, close what else uses it, then press Try again.",
    },
    "picture_black": {
        "vi": "Hình tối đen. Mở nắp che camera, bật đèn phòng, rồi bấm Thử lại.",
        "en": "The picture is black. Open the shutter, switch a light on, then press Try again.",
    },
    "picture_frozen": {
        "vi": "Hình đứng yên. Cắm lại camera rồi bấm Thử lại.",
        "en": "The picture stands still. Plug the camera in anew, then press Try again.",
    },
    "picture_unknown": {
        "vi": "Trang chưa đo được hình của camera. Tải lại trang rồi thử lại.",
        "en": "The page did not measure the camera's picture. Reload it and try again.",
    },
    "no_voice": {
        "vi": "Không có tiếng từ micro. Chọn micro trong Trợ giúp, rồi bấm Thử lại.",
        "en": "No sound from the microphone. Choose one in Help, then press Try again.",
    },
    "voice_silent": {
        "vi": "Chưa nghe thấy tiếng nói. Bật micro (xem nút tắt tiếng trên micro), bấm Thử lại rồi nói to.",
        "en": "No voice was heard. Switch the microphone on (see its mute key), press Try again, speak up.",
    },
    "camera_refused": {
        "vi": f"Trình duyệt chưa được phép dùng camera. {_ALLOW}",
        "en": f"The browser may not use the camera. {_ALLOW_EN}",
    },
    "camera_none": {
        "vi": "Máy không thấy camera. Cắm camera rồi bấm Thử lại.",
        "en": "No camera was found. Plug one in, then press Try again.",
    },
    "camera_busy": {
        "vi": "Camera đang bị ứng dụng khác giữ. Đóng Zalo, Zoom rồi bấm Thử lại.",
        "en": "Another program holds the camera. Close it, then press Try again.",
    },
    "camera_insecure": {
        "vi": "Trang mở bằng địa chỉ không an toàn. Mở lại bằng địa chỉ bắt đầu bằng https.",
        "en": "The page was opened by an address that is not secure. Open the one that begins with https.",
    },
    "camera_lost": {
        "vi": "Camera bị ngắt giữa chừng. Cắm chặt dây camera rồi bấm Thử lại.",
        "en": "The camera went away. Plug its cable in firmly, then press Try again.",
    },
    "mic_refused": {
        "vi": f"Trình duyệt chưa được phép dùng micro. {_ALLOW}",
        "en": f"The browser may not use the microphone. {_ALLOW_EN}",
    },
    "mic_none": {
        "vi": "Máy không thấy micro. Cắm micro rồi bấm Thử lại.",
        "en": "No microphone was found. Plug one in, then press Try again.",
    },
    "mic_busy": {
        "vi": "Micro đang bị ứng dụng khác giữ. Đóng ứng dụng đó rồi bấm Thử lại.",
        "en": "Another program holds the microphone. Close it, then press Try again.",
    },
    "mic_insecure": {
        "vi": "Trang mở bằng địa chỉ không an toàn. Mở lại bằng địa chỉ bắt đầu bằng https.",
        "en": "The page was opened by an address that is not secure. Open the one that begins with https.",
    },
    "mic_lost": {
        "vi": "Micro bị ngắt giữa chừng. Cắm chặt dây micro rồi bấm Thử lại.",
        "en": "The microphone went away. Plug its cable in firmly, then press Try again.",
    },
}
