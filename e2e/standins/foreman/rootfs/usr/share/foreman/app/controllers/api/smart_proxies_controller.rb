module Api
  class SmartProxiesController < BaseController
    def index
      render_list(searched(SmartProxy.order(:name), %w[id name url]))
    end

    def show
      render json: proxy
    end

    def create
      render json: SmartProxy.create!(given), status: :created
    end

    def update
      render json: proxy.tap { |found| found.update!(given) }
    end

    def refresh
      render json: proxy.tap(&:save!)
    end

    def destroy
      render json: proxy.destroy!
    end

    private

    def proxy
      @proxy ||= SmartProxy.find_by(name: params[:id]) || SmartProxy.find(params[:id])
    end

    def given
      params.require(:smart_proxy).permit(:name, :url)
    end
  end
end
