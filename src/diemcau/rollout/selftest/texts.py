"""The words of advice: what is, then one action. Vietnamese first, English second, both complete."""

from typing import Final, Literal

TEXTS: Final[dict[str, dict[Literal["vi", "en"], str]]] = {
    "camera_none": {
        "vi": "Máy không thấy camera. Cắm camera vào máy rồi kiểm tra lại.",
        "en": "No camera was found. Plug one in and test again.",
    },
    "camera_refused": {
        "vi": "Trình duyệt chưa được phép dùng camera. Bấm biểu tượng ổ khoá cạnh địa chỉ trang, chọn Cho "
        "phép camera, rồi kiểm tra lại.",
        "en": "The browser may not use the camera. Press the lock beside the page's address, allow the "
        "camera, and test again.",
    },
    "camera_busy": {
        "vi": "Camera đang bị ứng dụng khác giữ. Đóng Zalo, Zoom và các ứng dụng dùng camera rồi kiểm tra "
        "lại.",
        "en": "Another program holds the camera. Close Zalo, Zoom and others that use it, and test again.",
    },
    "camera_insecure": {
        "vi": "Trang mở bằng địa chỉ không an toàn. Mở lại bằng địa chỉ bắt đầu bằng https.",
        "en": "The page was opened by an address that is not secure. Open the one that begins with https.",
    },
    "camera_lost": {
        "vi": "Camera bị ngắt giữa chừng. Cắm chặt dây camera rồi kiểm tra lại.",
        "en": "The camera went away meanwhile. Plug its cable in firmly and test again.",
    },
    "camera_black": {
        "vi": "Hình tối đen. Mở nắp che camera, bật đèn phòng rồi kiểm tra lại.",
        "en": "The picture is black. Open the camera's shutter, switch on the light and test again.",
    },
    "camera_frozen": {
        "vi": "Hình đứng yên. Rút camera ra, cắm lại rồi kiểm tra lại.",
        "en": "The picture stands still. Unplug the camera, plug it in and test again.",
    },
    "camera_skipped": {
        "vi": "Chưa kiểm tra camera. Làm lại bài kiểm tra và không bỏ qua bước 1.",
        "en": "The camera was not tested. Test again without skipping step 1.",
    },
    "camera_small": {
        "vi": "Hình nhỏ ({width} × {height}). Nếu có camera khác tốt hơn, hãy dùng camera đó.",
        "en": "The picture is small ({width} × {height}). Use a better camera if there is one.",
    },
    "microphone_none": {
        "vi": "Máy không thấy micrô. Cắm micrô hoặc tai nghe có micrô rồi kiểm tra lại.",
        "en": "No microphone was found. Plug one in, or a headset, and test again.",
    },
    "microphone_refused": {
        "vi": "Trình duyệt chưa được phép dùng micrô. Bấm biểu tượng ổ khoá cạnh địa chỉ trang, chọn Cho "
        "phép micrô, rồi kiểm tra lại.",
        "en": "The browser may not use the microphone. Press the lock beside the page's address, allow "
        "the microphone, and test again.",
    },
    "microphone_busy": {
        "vi": "Micrô đang bị ứng dụng khác giữ. Đóng ứng dụng đó rồi kiểm tra lại.",
        "en": "Another program holds the microphone. Close it and test again.",
    },
    "microphone_insecure": {
        "vi": "Trang mở bằng địa chỉ không an toàn. Mở lại bằng địa chỉ bắt đầu bằng https.",
        "en": "The page was opened by an address that is not secure. Open the one that begins with https.",
    },
    "microphone_lost": {
        "vi": "Micrô bị ngắt giữa chừng. Cắm chặt dây micrô rồi kiểm tra lại.",
        "en": "The microphone went away meanwhile. Plug its cable in firmly and test again.",
    },
    "microphone_silent": {
        "vi": "Micrô không thu được tiếng nói. Bật nút micrô trên máy hoặc trên tai nghe rồi kiểm tra lại.",
        "en": "The microphone hears no voice. Switch it on, at the computer or the headset, and test again.",
    },
    "microphone_skipped": {
        "vi": "Chưa kiểm tra micrô. Làm lại bài kiểm tra và không bỏ qua bước 2.",
        "en": "The microphone was not tested. Test again without skipping step 2.",
    },
    "speaker_not_heard": {
        "vi": "Không nghe thấy tiếng từ loa. Bật và vặn to loa rồi kiểm tra lại.",
        "en": "The loudspeaker was not heard. Switch it on, turn it up and test again.",
    },
    "speaker_skipped": {
        "vi": "Chưa kiểm tra loa. Làm lại bài kiểm tra và không bỏ qua bước 2.",
        "en": "The loudspeaker was not tested. Test again without skipping step 2.",
    },
    "network_skipped": {
        "vi": "Chưa kiểm tra mạng. Làm lại bài kiểm tra đến hết bước 3.",
        "en": "The network was not tested. Test again to the end of step 3.",
    },
    "network_blocked": {
        "vi": "Mạng ở đây chặn đường truyền hình. Đề nghị người quản lý mạng mở {udp}; nếu không mở được "
        "UDP thì mở {tcp}.",
        "en": "The network here lets no pictures through. Ask its owner to open {udp}; where UDP cannot "
        "be opened, {tcp}.",
    },
    "network_failed": {
        "vi": "Chưa đo được đường truyền. Kiểm tra dây mạng hoặc Wi-Fi rồi kiểm tra lại.",
        "en": "The line could not be measured. Look at the network cable or the Wi-Fi and test again.",
    },
    "network_unseen": {
        "vi": "Máy chủ không nhận được hình và tiếng của lần kiểm tra này. Hãy kiểm tra lại.",
        "en": "The server did not get this test's picture and sound. Test again.",
    },
    "tcp_only": {
        "vi": "Mạng ở đây chặn UDP, hình chỉ đi được qua TCP và dễ giật. Đề nghị người quản lý mạng mở "
        "{udp}.",
        "en": "The network here blocks UDP; pictures go by TCP and may stutter. Ask its owner to open {udp}.",
    },
    "relay_only": {
        "vi": "Mạng ở đây chỉ cho đi qua máy chuyển tiếp. Đề nghị người quản lý mạng mở {udp}.",
        "en": "The network here lets pictures through by the relay only. Ask its owner to open {udp}.",
    },
    "down_slow": {
        "vi": "Tải về chỉ được {kbps} kbit/s, hình sẽ nhỏ hoặc thành ảnh tĩnh. Tắt tải tệp, xem phim trên "
        "cùng đường mạng, hoặc dùng dây mạng thay Wi-Fi.",
        "en": "Only {kbps} kbit/s come down: pictures will be small or stills. Stop downloads and films "
        "on the same line, or use a cable instead of Wi-Fi.",
    },
    "up_slow": {
        "vi": "Gửi lên chỉ được {kbps} kbit/s, hình gửi đi sẽ mờ. Tắt việc gửi tệp, camera giám sát trên "
        "cùng đường mạng, hoặc dùng dây mạng thay Wi-Fi.",
        "en": "Only {kbps} kbit/s go up: your picture will be blurred. Stop uploads and cameras on the "
        "same line, or use a cable instead of Wi-Fi.",
    },
    "loss": {
        "vi": "Đường mạng mất {percent} % gói tin, tiếng sẽ bị ngắt. Dùng dây mạng thay Wi-Fi; nếu đã "
        "dùng dây, báo nhà mạng kiểm tra đường truyền.",
        "en": "{percent} % of packets are lost: sound will break. Use a cable instead of Wi-Fi; on a "
        "cable, have the carrier look at the line.",
    },
    "slow_answers": {
        "vi": "Đường mạng trả lời chậm ({ms} ms). Tắt VPN nếu có; nếu không, báo nhà mạng kiểm tra.",
        "en": "The line answers slowly ({ms} ms). Switch off a VPN if there is one; else have the carrier "
        "look.",
    },
    "no_codecs": {
        "vi": "Trình duyệt này không xem được hình của cuộc họp. Dùng Chrome, Edge hoặc Cốc Cốc bản mới.",
        "en": "This browser cannot show a meeting's pictures. Use a recent Chrome, Edge or Cốc Cốc.",
    },
    "no_h264": {
        "vi": "Trình duyệt này không xem được hình H.264. Dùng Chrome, Edge hoặc Cốc Cốc bản mới.",
        "en": "This browser cannot show H.264. Use a recent Chrome, Edge or Cốc Cốc.",
    },
}
